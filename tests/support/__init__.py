"""What tests share: helpers, hosts of their own, and the scripts that they start."""
