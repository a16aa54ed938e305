"""What people see: bars, a notebook's tables, lines in a log."""
