"""A Dask worker process that is killed while its jobs move, where dead leases hold their VMs."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

from pyVmomi import vim

from nfclease import export_vm, fleet, verify
from nfclease.fleet._lease_notes import LeaseNote
from nfclease.inventory import find, find_all
from nfclease.simulator import Simulator

from ..support.inventory import connected, unique
from ..support.waiting import wait_for
from .cluster import QUIET

# Nobody waits for the end of a lease.
SIMULATOR = {"disk_size": 1 << 20, "lease_timeout": 3600.0}
SLOW = 50_000  # nothing ends before the worker is killed; what survives that stays as slow
POOL = "/DC0/host/Cluster/Resources"
pytestmark = QUIET


def jobs_of(
    simulator: Simulator, session: fleet.SessionFrom, package: str, directory: Path
) -> list[Any]:
    """Two of each kind."""
    names = [unique("dying") for _ in range(4)]
    for name in names:
        simulator.add_vm(name, disks=1, nvram=False)
    return [
        *(fleet.ExportJob(session, name, f"{directory}/{{vm}}.ova") for name in names[:2]),
        *(fleet.CopyJob(session, name, session, POOL, f"{name}-copy") for name in names[2:]),
        *(
            fleet.ImportJob(session, package, "Resources", unique("made"), datastore="datastore1")
            for _ in range(2)
        ),
    ]


def test_the_leases_of_a_worker_that_is_killed_are_released(
    simulator: Simulator, plain: fleet.SessionFrom, client: Any, tmp_path: Path
) -> None:
    for service in connected(simulator):
        package = tmp_path / "demo.ova"
        export_vm(find(service, "demo-vm"), package)
    simulator.set(exclusive_leases=True)
    jobs = jobs_of(simulator, plain, str(package), tmp_path)
    pids = client.run(os.getpid)
    assert len({*pids.values()}) == 2
    noted: list[LeaseNote] = []
    journal = fleet.Journal(tmp_path / "nightly.db")

    def notes() -> list[LeaseNote]:
        texts = [text for job in jobs for text in journal.leases(job.key)]
        return [note for text in texts if (note := LeaseNote.from_text(text)) is not None]

    def kill() -> None:
        wait_for(lambda: len(notes()) == 8, 60)  # a copy has two
        noted.extend(notes())
        os.kill(min(pids.values()), signal.SIGKILL)
        simulator.clear()

    simulator.inject("bandwidth", bytes_per_second=SLOW)
    killer = threading.Thread(target=kill)
    with journal:
        killer.start()
        summary = fleet.run(jobs, executor=client, journal=journal, retry_delay=20.0)
        killer.join()
    assert len(summary.done) == 6
    assert all(verify(each.target) for each in summary.done if each.kind == "export")
    again = [each for each in summary.done if each.attempts > 1]
    assert again
    released = [call["moid"] for call in simulator.calls("CancelTask")]
    assert len(released) == sum(2 if each.kind == "copy" else 1 for each in again)
    assert {*released} <= {note.task for note in noted}
    assert {each["state"] for each in simulator.leases()} <= {"done", "error"}
    for service in connected(simulator):
        made = [each.target for each in summary.done if each.kind != "export"]
        names = [each.name for each in find_all(service, kind=vim.VirtualMachine)]
        assert [names.count(name) for name in made] == [1] * 4
