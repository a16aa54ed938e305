"""C: the journal of a run is damaged, in use, or has no room."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from nfclease import JournalError, JournalInUseError, fleet

from ...support.journals import outcome
from ..harness.case import case
from ..harness.runs import ONLY, expect_whole, jobs_for, run_jobs
from ..harness.small_disk import needs_mount, small_disk
from ..harness.world import World


@case(
    "C04",
    "a journal, and a run that fails; then it is run again",
    "only the rest is done",
    faces=ONLY,
)
def journal(world: World) -> None:
    fault = world.simulator.inject("status", disk="disk-1", code=410)
    path = world.target / "journal"  # with what is looked through for secrets
    first = run_jobs(world, jobs_for(world), retries=0, journal=path)
    world.simulator.clear(fault)
    second = run_jobs(world, jobs_for(world), retries=0, journal=path)
    world.expect(len(first.done) == 2, f"two are done at first: {first}")
    world.expect(len(second.skipped) == 2, f"which are passed over then: {second}")
    world.expect([each.vm for each in second.done] == ["two"], f"the rest is done: {second}")
    world.wanted += [("Complete",)] * 3 + [("Abort",)]


def _whole_journal(world: World) -> Path:
    path = world.folder / "journal"
    with fleet.Journal(path):
        pass
    return path


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[200:4000] = bytes(3800)
    path.write_bytes(data)


JOURNALS: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:3000]),
    "overwritten": _flip,
    "another file": lambda path: path.write_bytes(b"PK\3\4" + bytes(5000)),
    "empty": lambda path: path.write_bytes(b""),
}


@case(
    "C06",
    "the journal is cut, overwritten, another file, or empty",
    "JournalError before a job begins, and the file is as it was",
    faces=ONLY,
    variants=JOURNALS,
)
def journal_damaged(world: World, damage: Callable[[Path], object]) -> None:
    path = _whole_journal(world)
    damage(path)
    content = path.read_bytes()
    with world.fails(JournalError, says="journal", ends=()):
        run_jobs(world, jobs_for(world), journal=path)
    world.expect(path.read_bytes() == content, "the file is as it was")
    world.expect(not world.simulator.calls("ExportVm"), "no job began")


@case(
    "C07",
    "two drivers of one journal",
    "JournalInUseError for the second, which names the first, and the first goes on",
    faces=ONLY,
)
def two_drivers(world: World) -> None:
    with fleet.Journal(world.folder / "journal") as journal:
        with world.fails(JournalInUseError, ends=(), process=os.getpid()):
            run_jobs(world, jobs_for(world), journal=world.folder / "journal")
        world.failed = False
        expect_whole(world, run_jobs(world, jobs_for(world), journal=journal), 3)
    world.wanted += [("Complete",)] * 3


@case(
    "C08",
    "the file system of the journal is full",
    "JournalError, and each lease that there was is aborted",
    faces=ONLY,
    within=small_disk,
    needs=needs_mount,
)
def journal_full(world: World) -> None:
    path = world.own / "journal"
    with fleet.Journal(path) as journal:
        for number in range(20):
            journal.end(outcome(f"older {number}"))
    (world.own / "filler").write_bytes(bytes(os.statvfs(world.own).f_bavail * 4096 - 8192))
    with world.fails(JournalError, ends=()):
        run_jobs(world, jobs_for(world), journal=path, per_vcenter=1)
    world.failed = False  # some jobs may be done
    ended = [call["method"] for call in world.simulator.calls()]
    world.wanted += [("Complete",)] * ended.count("HttpNfcLeaseComplete")
    world.wanted += [("Abort",)] * ended.count("HttpNfcLeaseAbort")
