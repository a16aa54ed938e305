"""Benchmarks against the other ways of moving a disk over an NFC lease."""
