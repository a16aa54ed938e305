"""Whole appliances: a VM out to a package, and a package in, in one call each."""
