"""The local end of a transfer: a directory, or a file object and what shares its position."""
