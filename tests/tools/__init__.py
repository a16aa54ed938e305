"""What people and make run."""
