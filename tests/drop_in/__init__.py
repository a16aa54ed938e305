"""The lease in place of pyvmomi's own, in scripts as they are."""
