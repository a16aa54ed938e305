"""An export shown by rich, as any other display would be: a callable that gets the numbers.

Run with ``python examples/rich_progress.py``: it needs ``rich``, and exports from the simulator.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable

from pyVim.connect import Disconnect
from pyVmomi import vim
from rich.progress import DownloadColumn, Progress, TaskID, TextColumn

from nfclease import HttpNfcLease, TransferProgress
from nfclease.simulator import Simulator


def reporter(display: Progress) -> Callable[[TransferProgress], None]:
    """What ``progress=`` takes: it makes a line for each file and moves it."""
    lines: dict[str, TaskID] = {}

    def report(snapshot: TransferProgress) -> None:
        if snapshot.key not in lines:
            lines[snapshot.key] = display.add_task(snapshot.name, total=None, rate=0.0)
        total = snapshot.bytes_done if snapshot.done else snapshot.bytes_total
        display.update(
            lines[snapshot.key],
            completed=snapshot.bytes_done,
            total=total,
            rate=snapshot.rate / 1e6,
        )

    return report


def main() -> None:
    """Exports the simulator's VM."""
    rate = TextColumn("{task.fields[rate]:.1f} MB/s")
    columns = TextColumn("{task.description}"), DownloadColumn(), rate
    with Simulator() as simulator, tempfile.TemporaryDirectory() as directory:
        service = simulator.connect()
        vm = service.content.searchIndex.FindByInventoryPath("DC0/vm/demo-vm")
        assert isinstance(vm, vim.VirtualMachine)
        with Progress(*columns) as display, HttpNfcLease(vm.ExportVm()) as lease:
            lease.wait_ready()
            lease.download_all(directory, progress=reporter(display))
        Disconnect(service)


if __name__ == "__main__":
    main()
