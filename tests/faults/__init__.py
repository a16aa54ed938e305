"""What servers, systems and callers do wrong, and the error that says so."""
