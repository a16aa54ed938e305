"""Runs the cases of the fault catalogue, and looks at what each of them left behind."""
