"""C: one job of a run fails; where jobs write, or what they read, is not there any more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nfclease
from nfclease import fleet

from ...fleet.script import is_moving
from ...support.inventory import unique
from ...support.waiting import meanwhile, wait_for
from ..harness.case import case
from ..harness.jobs import SESSION
from ..harness.runs import ONLY, SLOW, VMS, aborted, jobs_for, run_jobs
from ..harness.world import DISK, DISK_SIZE, World


@case("C01", "one of three VMs cannot be read", "the other two are done", faces=ONLY)
def one_fails(world: World) -> None:
    world.simulator.inject("status", disk="disk-1", code=410)  # the second disk of "two"
    summary = run_jobs(world, jobs_for(world), retries=0)
    world.expect([each.vm for each in summary.failed] == ["two"], f"two failed: {summary}")
    world.expect(len(summary.done) == 2, f"the others are done: {summary}")
    there = sorted(path.name for path in world.target.iterdir())
    world.expect(there == ["large.ova", "one.ova"], f"their packages are there: {there}")
    world.wanted += [("Complete",), ("Complete",), ("Abort",)]


@case("C02", "a lease expires in one of three jobs, once", "all are done", faces=ONLY)
def tried_again(world: World) -> None:
    world.simulator.inject("expire", disk="disk-1", after_bytes=9000, count=1)
    summary = run_jobs(world, jobs_for(world), retries=1, retry_delay=0.1)
    world.expect(len(summary.done) == 3, f"all are done: {summary}")
    attempts = {each.vm: each.attempts for each in summary.outcomes}
    world.expect(attempts == {"one": 1, "two": 2, "large": 1}, f"two was tried twice: {attempts}")
    world.wanted += [("Complete",)] * 3


@case("C03", "the host refuses all disks, with stop_on_failure=True", "none is done", faces=ONLY)
def stops(world: World) -> None:
    world.simulator.inject("status", disk=DISK, code=410)
    summary = run_jobs(
        world, jobs_for(world), retries=0, stop_on_failure=True, per_host=1, per_vcenter=1
    )
    world.failed = True
    world.expect(not summary.done, f"none is done: {summary}")
    world.expect(len(summary.failed) >= 1, f"one has failed: {summary}")
    world.wanted += [("Abort",)] * len(summary.failed)


@case(
    "C14",
    "the directory of the targets is a file, or one that nobody can write to",
    "each job has failed with its path, none is tried again, and no lease is left",
    faces=ONLY,
    variants={"a file": "", "not writable": "/proc/self/none"},
)
def no_target(world: World, where: str) -> None:
    place = where or str(world.folder / "place")
    if not where:
        Path(place).write_bytes(b"mine")
    jobs_for(world)
    jobs = [fleet.ExportJob(SESSION, vm, f"{place}/deeper/{{vm}}.ova") for vm in VMS[:2]]
    summary = run_jobs(world, jobs, retries=2)
    world.failed = True
    world.expect(len(summary.failed) == 2, f"both have failed: {summary}")
    for each in summary.failed:
        reason = "" if each.failure is None else each.failure.reason
        world.expect(place in reason, f"the path is named: {reason}")
        world.expect(each.attempts <= 1, "it is not tried again")
    world.wanted += aborted(world)


@case(
    "C15",
    "the directory of the targets goes away in the middle of a run",
    "the job that wrote there has failed, and no final name is elsewhere; an archive gets its name "
    "after Complete, when all of it is known to be right",
    faces=ONLY,
)
def target_vanishes(world: World) -> None:
    world.simulator.inject("bandwidth", bytes_per_second=SLOW)
    place = world.folder / "place"
    place.mkdir()
    fleet.register_session(SESSION, world.connect)

    def vanish() -> None:
        place.rename(world.folder / "elsewhere")
        world.simulator.clear()

    with meanwhile(lambda: is_moving(world.simulator, 1), vanish):
        jobs = [fleet.ExportJob(SESSION, "one", f"{place}/one.ova")]
        summary = run_jobs(world, jobs, retries=0)
    world.failed = True
    world.expect(len(summary.failed) == 1, f"it has failed: {summary}")
    world.wanted.append(("Complete",))
    left = [path.name for path in (world.folder / "elsewhere").iterdir()]
    world.expect("one.ova" not in left, f"no final name is in it: {left}")


def _made(world: World) -> Any:
    name = unique("c16")
    world.simulator.add_vm(name, disks=1, disk_size=DISK_SIZE // 8, nvram=False)
    return world.named(name)


def _destroy(vm: Any) -> None:
    task = vm.Destroy_Task()
    wait_for(lambda: task.info.state not in ("queued", "running"))


def _rename(vm: Any) -> None:
    task = vm.Rename_Task(unique("c16-renamed"))
    wait_for(lambda: task.info.state not in ("queued", "running"))


@case(
    "C16",
    "a VM is removed, or renamed, between the plan and its turn",
    "a VM that is gone has failed by its name, a renamed one is done; the others are done",
    faces=ONLY,
    variants={"removed": _destroy, "renamed": _rename},
)
def vm_changes(world: World, change: Callable[[Any], None]) -> None:
    vm = _made(world)
    name = str(vm.name)
    jobs = jobs_for(world, ("one", name))
    changed: list[bool] = []

    def listen(event: fleet.Event) -> None:
        if event.kind == "started" and event.vm == "one" and not changed:
            changed.append(True)
            change(vm)

    try:
        summary = run_jobs(world, jobs, max_jobs=1, retries=0, progress=listen)
        by_name = {each.vm: each for each in summary.outcomes}
        world.expect(by_name["one"].state == "done", f"the other is done: {summary}")
        ended = by_name[name]
        if change is _destroy:
            world.expect(ended.state == "failed", f"it is gone: {summary}")
        world.expect(ended.state in ("done", "failed"), f"it has ended: {summary}")
        world.wanted += [("Complete",)] * len(summary.done)
        for each in summary.done:
            world.expect(nfclease.verify(each.target).ok, f"{each.vm} is whole")
    finally:
        if change is not _destroy:
            _destroy(vm)
