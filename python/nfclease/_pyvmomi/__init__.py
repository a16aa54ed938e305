"""All that knows the inner parts of pyvmomi."""
