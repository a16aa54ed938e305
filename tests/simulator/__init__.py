"""The simulator, against plain pyvmomi and plain HTTP: nothing of nfclease's own core."""
