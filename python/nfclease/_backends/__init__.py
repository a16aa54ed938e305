"""How a caller waits: in its own thread, or in an event loop."""
