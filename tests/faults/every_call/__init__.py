"""A fault at every call: each job is done once for each call that it makes, and that call fails."""
