"""Disks grain by grain: what is checked, and what is made of them."""
