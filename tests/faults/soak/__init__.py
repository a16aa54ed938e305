"""Many leases for many minutes, with faults at random: late renewals, growth and leaks."""
