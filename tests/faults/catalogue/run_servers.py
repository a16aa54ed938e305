"""C: a vCenter, a host or a session of a run is not there, or not any more."""

from __future__ import annotations

import socket
from typing import Any

from nfclease import fleet

from ...fleet.script import is_moving
from ...support.inventory import connected
from ...support.waiting import meanwhile
from ..harness.case import case
from ..harness.jobs import SESSION
from ..harness.runs import ONLY, SLOW, aborted, expect_whole, jobs_for, leases_gone, run_jobs
from ..harness.world import World


def _closed_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@case(
    "C09",
    "the vCenter is away for the whole of a run, or refuses its user",
    "FleetError, each job with the error of the connection or the login, which names the server; "
    "one that is away is asked once more with retries=1",
    faces=ONLY,
    variants={"away": 2, "refused": 1},
)
def vcenter_away(world: World, asked: int) -> None:
    port, seen = _closed_port(), []
    session = fleet.SessionFrom("127.0.0.1", "nobody", lambda *_: "wrong", port=port)
    if asked == 1:
        simulator = world.simulator
        session = fleet.SessionFrom(
            simulator.host, "nobody", lambda *_: "wrong", simulator.port, simulator.ca_file
        )

    def connect() -> Any:
        seen.append(session.address)
        return session.open()

    world.connect = connect
    try:
        run_jobs(world, jobs_for(world), retries=1, check=True)
    except fleet.FleetError as error:
        world.failed = True
        world.texts += [repr(error), *map(str, error.exceptions)]
        world.expect(len(error.failures) == 3, f"all have failed: {error.summary}")
        for each in error.failures:
            _names(world, each, session.name if asked == 1 else SESSION)
    world.expect(world.failed, "the run ends in FleetError")
    world.expect(len(seen) == asked, f"it was asked for all three together: {seen}")
    world.expect(not world.simulator.calls("ExportVm"), "no job began")


def _names(world: World, failed: fleet.Outcome, name: str) -> None:
    """The reason says whose failure it is, and no attempt was begun."""
    reason = "" if failed.failure is None else failed.failure.reason
    world.expect(name in reason or SESSION in reason, f"{name} is named: {reason}")
    world.expect(failed.attempts == 0, f"{failed.vm} was not begun")


# A run of last night's jobs is for many vCenters: one that is away, or whose password was changed,
# must not cost the others their backup. Until now nothing was begun then.
@case(
    "C19",
    "one of two vCenters is away when a run begins, for good or until it is asked again",
    "the jobs of the other are done; its own are done too once it is back, else each has failed "
    "with the error that names it",
    faces=ONLY,
    variants={"for good": False, "for a while": True},
)
def one_of_two(world: World, comes_back: bool) -> None:
    port, seen = _closed_port(), []

    def connect() -> Any:
        seen.append(port)
        back = comes_back and len(seen) > 1
        return world.simulator.connect(**({} if back else {"port": port}))

    fleet.register_session("faults-away", connect)
    place = f"{world.target}/{{vm}}-away.ova"
    jobs = [*jobs_for(world), fleet.ExportJob("faults-away", "one", place)]
    summary = run_jobs(world, jobs, retries=1)
    expect_whole(world, summary, 4 if comes_back else 3)
    for each in summary.failed:
        _names(world, each, "faults-away")
    world.wanted += [("Complete",)] * (4 if comes_back else 3)


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
