"""C: runs of many jobs, of which some fail."""

from __future__ import annotations

from typing import Any

from nfclease import fleet

from ..harness.case import case
from ..harness.jobs import SESSION
from ..harness.world import DISK, World

ONLY = ("fleet",)
VMS = ("one", "two", "large")


def _run(world: World, **options: Any) -> fleet.Summary:
    fleet.register_session(SESSION, world.connect)
    jobs = [fleet.ExportJob(SESSION, name, f"{world.target}/{{vm}}.ova") for name in VMS]
    summary = fleet.run(jobs, blocked_timeout=0, check=False, **options)
    world.texts += [str(summary), repr(summary)]
    return summary


@case("C01", "one of three VMs cannot be read", "the other two are done", faces=ONLY)
def one_fails(world: World) -> None:
    world.simulator.inject("status", disk="disk-1", code=410)  # the second disk of "two"
    summary = _run(world, retries=0)
    world.expect([each.vm for each in summary.failed] == ["two"], f"two failed: {summary}")
    world.expect(len(summary.done) == 2, f"the others are done: {summary}")
    there = sorted(path.name for path in world.target.iterdir())
    world.expect(there == ["large.ova", "one.ova"], f"their packages are there: {there}")
    world.wanted += [("Complete",), ("Complete",), ("Abort",)]


@case("C02", "a lease expires in one of three jobs, once", "all are done", faces=ONLY)
def tried_again(world: World) -> None:
    world.simulator.inject("expire", disk="disk-1", after_bytes=9000, count=1)
    summary = _run(world, retries=1, retry_delay=0.1)
    world.expect(len(summary.done) == 3, f"all are done: {summary}")
    attempts = {each.vm: each.attempts for each in summary.outcomes}
    world.expect(attempts == {"one": 1, "two": 2, "large": 1}, f"two was tried twice: {attempts}")
    world.wanted += [("Complete",)] * 3


@case("C03", "the host refuses all disks, with stop_on_failure=True", "none is done", faces=ONLY)
def stops(world: World) -> None:
    world.simulator.inject("status", disk=DISK, code=410)
    summary = _run(world, retries=0, stop_on_failure=True, per_host=1, per_vcenter=1)
    world.failed = True
    world.expect(not summary.done, f"none is done: {summary}")
    world.expect(len(summary.failed) >= 1, f"one has failed: {summary}")
    world.wanted += [("Abort",)] * len(summary.failed)


@case(
    "C04",
    "a journal, and a run that fails; then it is run again",
    "only the rest is done",
    faces=ONLY,
)
def journal(world: World) -> None:
    fault = world.simulator.inject("status", disk="disk-1", code=410)
    path = world.folder / "journal"
    first = _run(world, retries=0, journal=path)
    world.simulator.clear(fault)
    second = _run(world, retries=0, journal=path)
    world.expect(len(first.done) == 2, f"two are done at first: {first}")
    world.expect(len(second.skipped) == 2, f"which are passed over then: {second}")
    world.expect([each.vm for each in second.done] == ["two"], f"the rest is done: {second}")
    world.texts.append(path.read_bytes().decode("latin-1"))
    world.wanted += [("Complete",)] * 3 + [("Abort",)]
