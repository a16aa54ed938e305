"""Many VMs: the journal, failures, metrics."""
