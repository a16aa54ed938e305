"""``nfclease export`` of many VMs: which ones, over which sessions, and what is said of them."""
