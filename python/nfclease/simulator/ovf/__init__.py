"""OVF descriptors: read, written, made into import specs."""
