"""Whole appliances: a VM out to a package, and a package in."""
