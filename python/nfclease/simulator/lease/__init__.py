"""Leases, and the bytes that go over their URLs."""
