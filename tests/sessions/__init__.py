"""Whose session it is, whom it trusts, and what it tells to whom."""
