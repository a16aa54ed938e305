"""The package itself: its import, types, exceptions and documentation."""
