"""What one attribute read and one Progress cost, beside pyvmomi's; and what a start costs.

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
from tests.peers.build import build
from tests.peers.leases import export_lease
from tests.peers.run import Vcsim

CALLS = 1000
STARTS = 25
VMS = 10_000
#: Of them, for what takes a call each.
SAMPLED = 500

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


def cpu(*commands: list[str]) -> list[float]:
    """Median CPU seconds of each of these commands, run in turns."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def once(command: list[str]) -> float:
        before = spent()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return spent() - before

    rounds = [[once(command) for command in commands] for _ in range(STARTS)]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def starts() -> None:
    """Prints what the import costs, and what the command does before its work."""
    python = [sys.executable, "-c"]
    whole = "import pyVmomi; from nfclease import HttpNfcLease"
    alone, with_ours = cpu([*python, "import pyVmomi"], [*python, whole])
    print(
        f"import HttpNfcLease adds {(with_ours - alone) * 1e3:.1f} ms CPU to {alone * 1e3:.1f} ms"
    )
    bare, ours, govc = cpu(
        [*python, "pass"],
        [sys.executable, "-m", "nfclease", "--help"],
        [str(build() / "govc"), "version"],
    )
    print(
        f"nfclease --help takes {ours * 1e3:.1f} ms CPU, {(ours - bare) * 1e3:.1f} ms over bare "
        f"Python; govc version takes {govc * 1e3:.1f} ms"
    )


def inventory() -> None:
    """Prints what it costs to find a VM by its name, beside the loop of pyvmomi's samples."""
    from pyVmomi import vim

    from nfclease.inventory import find, list_vms
    from nfclease.simulator import Simulator

    def spent(call: Callable[[], object]) -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        return time.perf_counter() - wall, time.process_time() - cpu

    with Simulator(disk_size="1m") as simulator:
        simulator.add_vms("web", VMS, folders=20)
        service = simulator.connect()
        content = service.RetrieveContent()
        view = content.viewManager.CreateContainerView(
            content.rootFolder, [vim.VirtualMachine], True
        )
        some = list(view.view)[:SAMPLED]
        loop = [each * VMS / SAMPLED for each in spent(lambda: [vm.name for vm in some])]
        rows = {
            "inventory.find": spent(lambda: find(service, f"web-{VMS // 2}")),
            "inventory.list_vms": spent(lambda: list_vms(service)),
            "vm.name of each": (loop[0], loop[1]),
        }
    print(f"\n{f'of {VMS:,} VMs':<20}{'wall s':>12}{'CPU s here':>13}")
    for name, (wall, own) in rows.items():
        print(f"{name:<20}{wall:>12.2f}{own:>13.2f}")
    print(f"(the last one from {SAMPLED}, which is a call each; the first two are one call)")


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
    starts()
    inventory()


if __name__ == "__main__":
    main()
