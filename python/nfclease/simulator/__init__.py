"""A simulated vCenter for tests: leases that expire, hosts with their own certificates, faults.

It runs as a process of its own (``python -m nfclease.simulator``), so that a test can hold the GIL
without stopping the server. :class:`Simulator` starts it and talks to it.

Example:
    >>> from nfclease.simulator import Simulator
    >>> with Simulator() as simulator:
    ...     service = simulator.connect()
    ...     service.content.about.apiType
    'VirtualCenter'
"""

from nfclease.simulator.client import Simulator

__all__ = ["Simulator"]
