"""Runs of many jobs, as the cases about fleets begin and judge them."""

from __future__ import annotations

from typing import Any

import nfclease
from nfclease import fleet

from ...support.waiting import wait_for
from .jobs import SESSION
from .world import DISK_SIZE, World

ONLY = ("fleet",)
#: The VMs of a run; "two" is the one that has a ``disk-1``.
VMS = ("one", "two", "large")
#: Bytes per second with which nothing ends before something happens to it.
SLOW = DISK_SIZE // 2


def jobs_for(world: World, vms: tuple[str, ...] = VMS, session: str = SESSION) -> list[Any]:
    """An export of each of these VMs to an archive of its name."""
    fleet.register_session(SESSION, world.connect)
    return [fleet.ExportJob(session, name, f"{world.target}/{{vm}}.ova") for name in vms]


def run_jobs(world: World, jobs: list[Any], **options: Any) -> fleet.Summary:
    """Runs them, and keeps what the run says."""
    given = {"blocked_timeout": 5.0, "check": False, "retry_delay": 0.2, **options}
    summary = fleet.run(jobs, **given)
    world.texts += [str(summary), repr(summary)]
    return summary


def expect_whole(world: World, summary: fleet.Summary, count: int) -> None:
    """So many jobs are done, and each of their packages is whole."""
    world.expect(len(summary.done) == count, f"{count} are done: {summary}")
    for each in summary.done:
        world.expect(nfclease.verify(each.target).ok, f"{each.vm} is whole")


def leases_gone(world: World) -> None:
    """Waits until the server has let go of leases that nobody could end."""
    held = ("ready", "initializing")
    wait_for(lambda: not [one for one in world.simulator.leases() if one["state"] in held], 60)


def aborted(world: World) -> list[tuple[str, ...]]:
    """The Aborts of leases that went with their session: some come too late to be refused."""
    calls = world.simulator.calls("HttpNfcLeaseAbort")
    return [("Abort",) for _ in {call["moid"] for call in calls}]
