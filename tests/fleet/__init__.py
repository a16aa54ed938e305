"""Many VMs at once: nfclease.fleet."""
