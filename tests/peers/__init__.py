"""Real peers for the tests: govmomi's simulator and command line, built from source."""
