"""The objects of the inventory: hosts, networks, pools, virtual machines."""
