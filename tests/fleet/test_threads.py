"""Many jobs in few threads, and a server that answers no more beside one that does."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from nfclease import fleet
from nfclease.fleet._looking import Looks
from nfclease.fleet._place import RunPlace
from nfclease.fleet._pool import Pool
from nfclease.fleet._working import Assignment
from nfclease.fleet.planning import Planned
from nfclease.simulator import Simulator

from ..support.inventory import unique
from ..support.waiting import wait_for
from .script import is_moving

JOBS = 40
#: More than the calls that are made at once.
HELD = 12


def threads_now() -> int:
    """All of this process, native ones too."""
    [number] = re.findall(r"(?m)^Threads:\s+(\d+)$", Path("/proc/self/status").read_text())
    return int(number)


def added(simulator: Simulator, count: int) -> list[str]:
    """The names of new VMs of one small disk."""
    names = [unique("small") for _ in range(count)]
    for name in names:
        simulator.add_vm(name, disks=1, disk_size=1000)
    return names


def while_it_runs(jobs: list[fleet.ExportJob], look: Callable[[], None]) -> fleet.Summary:
    """What became of a run during which something was looked at."""
    ended: list[fleet.Summary] = []

    def run() -> None:
        ended.append(fleet.run(jobs, per_host=1000, per_vcenter=1000, retries=0, check=False))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        look()
    finally:
        thread.join(60)
    [summary] = ended
    return summary


@pytest.mark.skipif(sys.platform != "linux", reason="counts what /proc says")
def test_many_exports_take_few_threads(simulator: Simulator, lab: str, tmp_path: Path) -> None:
    names = added(simulator, JOBS)
    simulator.inject("stall", disk=".vmdk", after_bytes=100)
    before, most = threads_now(), 16 + (os.cpu_count() or 1)

    def look() -> None:
        try:
            wait_for(lambda: is_moving(simulator, JOBS), 60)
            wait_for(lambda: threads_now() - before <= most)  # all are there, and none is new
        finally:
            simulator.clear()

    jobs = [fleet.ExportJob(lab, name, f"{tmp_path}/{{vm}}.ova") for name in names]
    summary = while_it_runs(jobs, look)
    assert len(summary.done) == JOBS, summary


def test_a_server_that_answers_no_more_holds_up_no_other(
    simulator: Simulator, lab: str, second: Simulator, tmp_path: Path
) -> None:
    names = added(simulator, HELD)
    simulator.inject("soap_delay", method="ExportVm", seconds=None)
    jobs = [fleet.ExportJob(lab, name, f"{tmp_path}/{{vm}}.ova") for name in names]
    [other] = added(second, 1)
    jobs.append(fleet.ExportJob("second", other, f"{tmp_path}/{{vm}}.ova"))

    def look() -> None:
        try:
            wait_for((tmp_path / f"{other}.ova").exists)
            assert len([*tmp_path.glob("*.ova")]) == 1
            wait_for(lambda: len(simulator.calls("ExportVm")) == HELD)
        finally:
            simulator.clear()

    assert len(while_it_runs(jobs, look).done) == HELD + 1


def test_many_sessions_are_asked_in_few_threads(tmp_path: Path) -> None:
    place, threads = RunPlace("looks", str(tmp_path), os.getpid()), set()

    def read(items: Sequence[Planned]) -> dict[str, tuple[str, str]]:
        threads.add(threading.current_thread())
        return {each.assignment.moid: ("host-1", "esx1") for each in items}

    items = [
        Planned(
            Assignment(fleet.ExportJob(name, "vm", "a.ova"), place, "a.ova", "vm-1", None), name
        )
        for name in map(str, range(JOBS))
    ]
    Looks(read)(items)
    assert [each.host_name for each in items] == ["esx1"] * JOBS
    assert len(threads) < HELD


def test_a_run_leaves_no_thread_behind(
    simulator: Simulator, lab: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of its calls do not wait for more of them, as nobody has any."""
    monkeypatch.setattr("nfclease.fleet._loop.Pool", partial(Pool, idle=600.0))
    before = {*threading.enumerate()}
    jobs = [fleet.ExportJob(lab, name, f"{tmp_path}/{{vm}}.ova") for name in added(simulator, 3)]
    assert len(fleet.run(jobs).done) == 3
    wait_for(lambda: not [each for each in threading.enumerate() if each not in before])


def test_a_closed_pool_makes_its_calls() -> None:
    pool, made = Pool(idle=600.0), threading.Event()
    pool.close()
    pool.submit(made.set)
    assert made.wait(20)
