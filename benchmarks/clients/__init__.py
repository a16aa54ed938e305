"""The Python clients, each run as a process of its own: ``python -m benchmarks.clients.X``."""
