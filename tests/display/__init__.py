"""What people see: progress, notebooks, logs and tracebacks."""
