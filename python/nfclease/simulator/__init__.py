"""A vSphere that leases: exports, imports, expiry and faults on demand, for tests and demos.

Runs as a process of its own, ``python -m nfclease.simulator``, or from Python:

Examples:
    >>> from nfclease.simulator import Simulator
    >>> with Simulator() as simulator:
    ...     service = simulator.connect()

The server needs ``aiohttp``, ``trustme`` and a recent pyvmomi; the client class only the
standard library, plus pyvmomi for ``connect()``.
"""

TYPE_CHECKING = False

__all__ = ["Simulator", "SimulatorError"]

if TYPE_CHECKING:
    from nfclease.simulator.client import Simulator, SimulatorError
else:

    def __getattr__(name: str) -> object:
        if name in __all__:
            from nfclease.simulator import client

            return getattr(client, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return __all__
