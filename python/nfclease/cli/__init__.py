"""The command ``nfclease``, over the public API alone; nothing of the package imports it."""
