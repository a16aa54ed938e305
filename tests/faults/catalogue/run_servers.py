"""C: a vCenter, a host or a session of a run is not there, or not any more."""

from __future__ import annotations

import socket

from nfclease import fleet

from ...fleet.script import is_moving
from ...support.inventory import connected
from ...support.waiting import meanwhile
from ..harness.case import case
from ..harness.runs import ONLY, SLOW, VMS, aborted, expect_whole, jobs_for, leases_gone, run_jobs
from ..harness.world import World


def _closed_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@case(
    "C09",
    "the vCenter is away for the whole of a run",
    "the error of the connection, which names it, before a job begins",
    faces=ONLY,
)
def vcenter_away(world: World) -> None:
    port = _closed_port()
    world.connect = lambda: world.simulator.connect(port=port)
    with world.fails(ConnectionRefusedError, ends=()):
        run_jobs(world, jobs_for(world), retries=1)


@case(
    "C19",
    "one of two vCenters is away when a run begins",
    "the error of its connection before any job begins",
    faces=ONLY,
)
def one_of_two(world: World) -> None:
    port = _closed_port()
    fleet.register_session("faults-dead", lambda: world.simulator.connect(port=port))
    jobs = [*jobs_for(world), *jobs_for(world, VMS[:1], "faults-dead")]
    with world.fails(ConnectionRefusedError, ends=()):
        run_jobs(world, jobs)
    world.expect(not world.simulator.calls("ExportVm"), "no job began")


@case(
    "C10",
    "the host of one VM of three takes no connection, with and without a limit of the rate",
    "the jobs of the others are done, and its own has failed with what it waited for",
    faces=ONLY,
    variants={"no limit": None, "limited": 64 << 20},
)
def dead_host(world: World, rate: int | None) -> None:
    url = f"https://127.0.0.1:{_closed_port()}/nfc/{'6' * 36}/disk-1.vmdk"
    world.ticket(url)
    world.simulator.inject("device_url", disk="disk-1", url=url)
    summary = run_jobs(world, jobs_for(world), retries=1, max_bytes_per_second=rate)
    expect_whole(world, summary, 2)
    world.expect([each.vm for each in summary.failed] == ["two"], f"two has failed: {summary}")
    for each in summary.failed:
        kind = "" if each.failure is None else each.failure.error
        world.expect(kind.endswith("ConnectError"), f"by its connection: {kind}")
    world.wanted += [("Complete",)] * 2 + [("Abort",)] * 2


@case(
    "C11",
    "the sessions of all jobs are ended in their middle, once",
    "each job is tried again with a new session, and all are done",
    faces=ONLY,
    options={"lease_timeout": 3.0},
    deadline=90.0,
)
def sessions_lost(world: World) -> None:
    fault = world.simulator.inject("bandwidth", bytes_per_second=SLOW)

    def end() -> None:
        for service in connected(world.simulator):
            manager = service.content.sessionManager
            own = manager.currentSession.key
            ended = [each.key for each in manager.sessionList if each.key != own]
            manager.TerminateSession(ended)
        world.simulator.clear(fault)

    with meanwhile(lambda: is_moving(world.simulator, 2), end):
        summary = run_jobs(world, jobs_for(world), retries=4)
    expect_whole(world, summary, 3)
    attempts = sum(each.attempts for each in summary.done)
    world.expect(attempts > 3, f"some were tried again: {attempts}")
    leases_gone(world)
    world.wanted += [("Complete",)] * 3
    world.wanted += aborted(world)
