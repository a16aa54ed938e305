"""C: runs of many jobs, whose workers, journals, sessions, targets and vCenters fail."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nfclease
from nfclease import JournalError, JournalInUseError, fleet

from ...fleet.conftest import VARIABLE
from ...fleet.script import Script, is_moving
from ...support.inventory import connected, unique
from ...support.journals import outcome
from ...support.waiting import wait_for
from ..harness.case import case
from ..harness.jobs import SESSION
from ..harness.world import DISK_SIZE, World
from .fleets import ONLY, VMS
from .local import needs_mount, small_disk

#: Bytes per second with which nothing ends before something happens to it.
SLOW = DISK_SIZE // 2


def _jobs(world: World, session: Any = SESSION, vms: tuple[str, ...] = VMS) -> list[Any]:
    fleet.register_session(SESSION, world.connect)
    return [fleet.ExportJob(session, name, f"{world.target}/{{vm}}.ova") for name in vms]


def _run(world: World, jobs: list[Any], **options: Any) -> fleet.Summary:
    given = {"blocked_timeout": 5.0, "check": False, "retry_delay": 0.2, **options}
    summary = fleet.run(jobs, **given)
    world.texts += [str(summary), repr(summary)]
    return summary


def _whole(world: World, summary: fleet.Summary, count: int) -> None:
    """So many jobs are done, and each of their packages is whole."""
    world.expect(len(summary.done) == count, f"{count} are done: {summary}")
    for each in summary.done:
        world.expect(nfclease.verify(each.target).ok, f"{each.vm} is whole")


def _closed_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def _plain(world: World) -> Iterator[fleet.SessionFrom]:
    """A session as data, for other processes."""
    simulator = world.simulator
    os.environ[VARIABLE] = simulator.password
    try:
        yield fleet.SessionFrom(
            simulator.host,
            simulator.user,
            VARIABLE,
            port=simulator.port,
            ca_file=simulator.ca_file,
        )
    finally:
        del os.environ[VARIABLE]


def _worker_of(driver: int) -> int:
    """A worker process of a driver; 0 as long as there is none."""
    for child in Path(f"/proc/{driver}/task/{driver}/children").read_text().split():
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    return 0


def _leases_gone(world: World) -> None:
    """Waits until the server has let go of leases that nobody could end."""
    held = ("ready", "initializing")
    wait_for(lambda: not [one for one in world.simulator.leases() if one["state"] in held], 60)


@case(
    "C05",
    "a worker process of a driver is killed in the middle of its export",
    "its job is done by the pool after it, and each package is whole",
    faces=ONLY,
    options={"lease_timeout": 3.0},
    deadline=90.0,
)
def worker_killed(world: World) -> None:
    world.simulator.inject("bandwidth", bytes_per_second=SLOW)
    with _plain(world):
        script = Script("processes", world.simulator, world.target, [*VMS[:2]])
        wait_for(lambda: is_moving(world.simulator, 1), 60)
        os.kill(_worker_of(script.process.pid), signal.SIGKILL)
        world.simulator.clear()
        out, error = script.end()
    world.expect(out.splitlines()[-1] == "states done done", f"both are done: {error[-500:]}")
    for name in VMS[:2]:
        world.expect(nfclease.verify(world.target / f"{name}.ova").ok, f"{name} is whole")
    for left in [*world.target.iterdir()]:  # what a kill may leave, under names of its own
        if left.suffix != ".ova":
            left.unlink()
    _leases_gone(world)
    world.wanted += [("Complete",)] * len(world.simulator.calls("HttpNfcLeaseComplete"))
    world.wanted += _aborted(world)


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
        _run(world, _jobs(world), journal=path)
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
            _run(world, _jobs(world), journal=world.folder / "journal")
        world.failed = False
        _whole(world, _run(world, _jobs(world), journal=journal), 3)
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
    seen = 0
    try:
        _run(world, _jobs(world), journal=path, per_vcenter=1)
    except JournalError as error:
        seen += 1
        world.texts += [str(error), repr(error)]
    world.expect(seen, "the run says that its journal has no room")
    ended = [call["method"] for call in world.simulator.calls()]
    world.wanted += [("Complete",)] * ended.count("HttpNfcLeaseComplete")
    world.wanted += [("Abort",)] * ended.count("HttpNfcLeaseAbort")


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
        _run(world, _jobs(world), retries=1, check=True)
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
    summary = _run(world, _jobs(world), retries=1, max_bytes_per_second=rate)
    _whole(world, summary, 2)
    world.expect([each.vm for each in summary.failed] == ["two"], f"two has failed: {summary}")
    for each in summary.failed:
        kind = "" if each.failure is None else each.failure.error
        world.expect(kind.endswith("ConnectError"), f"by its connection: {kind}")
    world.wanted += [("Complete",)] * 2 + [("Abort",)] * 2


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
    jobs = [*_jobs(world), fleet.ExportJob("faults-away", "one", place)]
    summary = _run(world, jobs, retries=1)
    _whole(world, summary, 4 if comes_back else 3)
    for each in summary.failed:
        _names(world, each, "faults-away")
    world.wanted += [("Complete",)] * (4 if comes_back else 3)


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
        wait_for(lambda: is_moving(world.simulator, 2))
        for service in connected(world.simulator):
            manager = service.content.sessionManager
            own = manager.currentSession.key
            ended = [each.key for each in manager.sessionList if each.key != own]
            manager.TerminateSession(ended)
        world.simulator.clear(fault)

    thread = threading.Thread(target=end)
    thread.start()
    summary = _run(world, _jobs(world), retries=4)
    thread.join()
    _whole(world, summary, 3)
    attempts = sum(each.attempts for each in summary.done)
    world.expect(attempts > 3, f"some were tried again: {attempts}")
    _leases_gone(world)
    world.wanted += [("Complete",)] * 3
    world.wanted += _aborted(world)


def _aborted(world: World) -> list[tuple[str, ...]]:
    """The Aborts of leases that went with their session: some come too late to be refused."""
    calls = world.simulator.calls("HttpNfcLeaseAbort")
    return [("Abort",) for _ in {call["moid"] for call in calls}]


@case(
    "C12",
    "Ctrl-C, or SIGTERM, in the middle of a run",
    "KeyboardInterrupt or SystemExit once all leases are aborted, and no file is left",
    faces=ONLY,
    variants={"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM},
)
def interrupted(world: World, number: signal.Signals) -> None:
    world.simulator.inject("bandwidth", bytes_per_second=SLOW)
    world.failed = True

    def press() -> None:
        wait_for(lambda: is_moving(world.simulator, 2))
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=press)
    thread.start()
    kind = KeyboardInterrupt if number == signal.SIGINT else SystemExit
    seen: list[str] = []
    try:
        _run(world, _jobs(world, vms=VMS[:2]))
    except kind as error:
        seen.append(type(error).__name__)
    thread.join()
    world.expect(seen, f"{kind.__name__} is raised")
    world.wanted += [("Abort",)] * 2


@case(
    "C13",
    "the driver is killed with SIGKILL in the middle, and the run is begun again",
    "what was done is passed over, the rest is done, and each package is whole",
    faces=ONLY,
    options={"lease_timeout": 3.0},
    deadline=90.0,
)
def driver_killed(world: World) -> None:
    fault = world.simulator.inject("bandwidth", bytes_per_second=SLOW)
    path = world.folder / "journal.db"
    with _plain(world):
        script = Script(f"journal={path}", world.simulator, world.target, [*VMS])
        wait_for(lambda: is_moving(world.simulator, 1), 60)
        script.process.kill()
        script.end()
        world.simulator.clear(fault)
        again = Script(f"journal={path}", world.simulator, world.target, [*VMS])
        out, error = again.end()
    world.expect(out.splitlines()[-1] == "states done done done", f"all are done: {error[-500:]}")
    for name in VMS:
        world.expect(nfclease.verify(world.target / f"{name}.ova").ok, f"{name} is whole")
    for left in [*world.target.iterdir()]:  # what a kill may leave, under names of its own
        if left.suffix != ".ova":
            left.unlink()
    world.wanted += [("Complete",)] * 3


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
    _jobs(world)
    jobs = [fleet.ExportJob(SESSION, vm, f"{place}/deeper/{{vm}}.ova") for vm in VMS[:2]]
    summary = _run(world, jobs, retries=2)
    world.failed = True
    world.expect(len(summary.failed) == 2, f"both have failed: {summary}")
    for each in summary.failed:
        reason = "" if each.failure is None else each.failure.reason
        world.expect(place in reason, f"the path is named: {reason}")
        world.expect(each.attempts <= 1, "it is not tried again")
    world.wanted += _aborted(world)


@case(
    "C15",
    "the directory of the targets goes away in the middle of a run",
    "the job that wrote there has failed, its lease is aborted, since the name could not be given, "
    "and no final name is elsewhere",
    faces=ONLY,
)
def target_vanishes(world: World) -> None:
    world.simulator.inject("bandwidth", bytes_per_second=SLOW)
    place = world.folder / "place"
    place.mkdir()
    fleet.register_session(SESSION, world.connect)

    def vanish() -> None:
        wait_for(lambda: is_moving(world.simulator, 1))
        place.rename(world.folder / "elsewhere")
        world.simulator.clear()

    thread = threading.Thread(target=vanish)
    thread.start()
    summary = _run(world, [fleet.ExportJob(SESSION, "one", f"{place}/one.ova")], retries=0)
    thread.join()
    world.failed = True
    world.expect(len(summary.failed) == 1, f"it has failed: {summary}")
    world.wanted.append(("Abort",))
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
    jobs = _jobs(world, vms=("one", name))
    changed: list[bool] = []

    def listen(event: fleet.Event) -> None:
        if event.kind == "started" and event.vm == "one" and not changed:
            changed.append(True)
            change(vm)

    try:
        summary = _run(world, jobs, max_jobs=1, retries=0, progress=listen)
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


@case(
    "C17",
    "a listener of the run raises",
    "its exception is raised, and all leases are aborted",
    faces=ONLY,
)
def listener_raises(world: World) -> None:
    world.simulator.inject("bandwidth", bytes_per_second=SLOW)

    def fails(event: fleet.Event) -> None:
        if event.kind == "moved":
            raise ZeroDivisionError("mine")

    with world.fails(ZeroDivisionError, says="mine", ends=()):
        _run(world, _jobs(world, vms=VMS[:1]), progress=fails)
    world.wanted.append(("Abort",))
