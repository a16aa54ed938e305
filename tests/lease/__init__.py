"""A lease from its first state to its ending."""
