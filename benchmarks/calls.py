"""What one attribute read and one Progress cost, beside pyvmomi's; and what the import costs.

Both speak to vcsim over TLS, in turns, call by call. Run with ``python -m benchmarks.calls``.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from nfclease import HttpNfcLease
from tests.peers.leases import export_lease
from tests.peers.run import Vcsim

CALLS = 1000
IMPORTS = 25

OPERATIONS: list[tuple[str, Callable[[Any], Any]]] = [
    ("lease.state", lambda lease: lease.state),
    ("lease.info", lambda lease: lease.info),
    ("lease.Progress(5)", lambda lease: lease.Progress(5)),
]


def seconds(operation: Callable[[Any], Any], lease: Any) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    operation(lease)
    return time.perf_counter() - start


def compare(operation: Callable[[Any], Any], theirs: Any, ours: Any) -> tuple[float, float]:
    """Medians of both, measured in turns."""
    rows = [(seconds(operation, theirs), seconds(operation, ours)) for _ in range(CALLS)]
    return statistics.median(row[0] for row in rows), statistics.median(row[1] for row in rows)


def import_cpu(*statements: str) -> list[float]:
    """Median CPU seconds of fresh interpreters that run each of these statements, in turns."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def once(statement: str) -> float:
        before = spent()
        subprocess.run([sys.executable, "-c", statement], check=True)
        return spent() - before

    rounds = [[once(statement) for statement in statements] for _ in range(IMPORTS)]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def main() -> None:
    """Prints the table."""
    print(f"{'call':<20}{'pyvmomi us':>12}{'nfclease us':>13}{'ratio':>8}")
    with Vcsim() as server, server.connect() as service:
        theirs = export_lease(service)
        ours = HttpNfcLease(theirs, keep_alive=False)
        for name, operation in OPERATIONS:
            compare(operation, theirs, ours)  # connections, caches
            their, our = compare(operation, theirs, ours)
            print(f"{name:<20}{their * 1e6:>12.0f}{our * 1e6:>13.0f}{our / their:>8.2f}")
        ours.Complete()
    base, ours_too = import_cpu("import pyVmomi", "import pyVmomi, nfclease")
    print(f"import nfclease adds {(ours_too - base) * 1e3:.1f} ms CPU to {base * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
