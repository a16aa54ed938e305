"""P: what happens on the side of Python: signals, callbacks, loops, forks, exits."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nfclease
from nfclease import AsyncHttpNfcLease, ForkError, HttpNfcLease

from ...support.clock import Stopwatch
from ...support.leases import disk_of
from ...support.smoke import EXIT_MIDWAY, login
from ...support.waiting import wait_for
from ..harness import invariants
from ..harness.case import LEASES, case
from ..harness.world import DISK, DISK_SIZE, LARGE_SIZE, World

ALL_BUT_FLEET = ("blocking", "asyncio", "export_vm", "import_vapp")


class Press(threading.Thread):
    """Sends SIGINT to the main thread once so many bytes have moved, as Ctrl-C does."""

    def __init__(self, world: World, bytes_moved: int) -> None:
        super().__init__(daemon=True)
        self._world, self._bytes = world, bytes_moved
        #: From the press on.
        self.clock = Stopwatch()

    def run(self) -> None:
        wait_for(lambda: self._moved() >= self._bytes)
        self.clock = Stopwatch(self._world.simulator.pid)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def _moved(self) -> int:
        return sum(
            each["bytes_sent"] + each["bytes_received"] for each in self._world.simulator.requests()
        )


@case(
    "P01",
    "Ctrl-C at 5, 50 and 90 % of an export and of an import",
    "KeyboardInterrupt at once, one Abort, nothing kept",
    faces=ALL_BUT_FLEET,
    variants={"5 %": 0.05, "50 %": 0.5, "90 %": 0.9},
    stars=2,
)
def interrupted(world: World, share: float) -> None:
    world.large()
    world.simulator.inject("bandwidth", bytes_per_second=LARGE_SIZE / 2)
    press = Press(world, int(LARGE_SIZE * share))
    with world.fails(KeyboardInterrupt):
        press.start()
        world.job(timeout=10.0)
    seconds = press.clock.seconds()
    press.join()
    world.expect(seconds < 1.0, f"it came out at once, not after {seconds:.2f} s")


@case(
    "P02",
    "a second Ctrl-C while Abort has no answer",
    "the process ends soon, and Abort was sent once",
    faces=LEASES[:1],
)
def interrupted_twice(world: World) -> None:
    script = (
        "import ssl, sys, time\nfrom nfclease import HttpNfcLease\n"
        "from pyVim.connect import SmartConnect\n"
        "host, port, user, password, ca_file, moid = sys.argv[1:]\n"
        "context = ssl.create_default_context(cafile=ca_file)\n"
        "service = SmartConnect(host=host, port=int(port), user=user, pwd=password, "
        "sslContext=context)\n"
        "with HttpNfcLease(moid, service._stub) as lease:\n"
        "    lease.wait_ready(10)\n    print('ready', flush=True)\n    time.sleep(60)\n"
    )
    raw = world.vm.ExportVm()
    world.simulator.inject("soap_delay", method="HttpNfcLeaseAbort", seconds=2)
    process = subprocess.Popen(
        [sys.executable, "-c", script, *login(world.simulator), raw._moId],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    wait_for(lambda: world.simulator.calls("HttpNfcLeaseAbort"))
    process.send_signal(signal.SIGINT)
    world.texts += process.communicate(timeout=15)
    world.expect(process.returncode != 0, "the process says that it was interrupted")
    world.wanted.append(("Abort",))


@case(
    "P03",
    "an extension holds the GIL for more than twice the lease's time",
    "the lease lives, and the disk comes",
    faces=LEASES[:1],
    options={"lease_timeout": 3.0},
    stars=2,
)
def gil_held(world: World) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 8)
    with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        transfer = lease.start_download(
            disk_of(lease), world.target / "disk-0.vmdk", overwrite=True
        )
        ctypes.PyDLL(None).sleep(7)
        world.expect(transfer.result().verified == "manifest", "it is verified")
    world.wanted.append(("Complete",))


@case(
    "P04",
    "the progress callback raises at its first or its last event",
    "the very same exception, an Abort",
    faces=ALL_BUT_FLEET,
    variants={"first": False, "last": True},
)
def callback_raises(world: World, at_the_end: bool) -> None:
    class OwnError(Exception):
        pass

    raised = OwnError("the caller's own")
    seen: list[BaseException] = []

    def tell(progress: Any) -> None:
        if not at_the_end or progress.done:
            raise raised

    with world.fails(OwnError):
        try:
            world.progress = tell
            world.job()
        except OwnError as error:
            seen.append(error)
            raise
    world.expect(seen == [raised], "the same object")
    world.failed = not at_the_end or world.face in ("export_vm", "import_vapp")


@case(
    "P05",
    "the progress callback is slow",
    "the bytes do not wait for it",
    faces=LEASES[:1],
)
def callback_sleeps(world: World) -> None:
    world.progress = lambda progress: time.sleep(0.5)
    clock = Stopwatch(world.simulator.pid)
    world.job()
    world.expect(clock.seconds() < 10, "the disk came meanwhile")


@case("P06", "the progress callback cancels all there is", "cancelled, one Abort", faces=LEASES[:1])
def callback_cancels(world: World) -> None:
    from nfclease import TransferCancelledError

    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE)
    with (
        world.fails(TransferCancelledError),
        HttpNfcLease(world.vm.ExportVm(), **world.options) as lease,
    ):
        held: list[Any] = []

        def tell(progress: Any) -> None:
            if held and progress.bytes_done:
                held[0].cancel()

        target = world.target / "disk-0.vmdk"
        held.append(lease.start_download(disk_of(lease), target, overwrite=True, progress=tell))
        held[0].result()


async def _download(world: World) -> None:
    async with AsyncHttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        await lease.wait_ready(10)
        await lease.download_all(world.target)


async def _cancel(world: World, seconds: float) -> None:
    task = asyncio.ensure_future(_download(world))
    await asyncio.sleep(seconds)
    task.cancel()
    await task


async def _time_out(world: World, seconds: float) -> None:
    await asyncio.wait_for(_download(world), seconds)


async def _gather(world: World, seconds: float) -> None:
    async def fail() -> None:
        await asyncio.sleep(seconds)
        raise LookupError("a sibling")

    task = asyncio.ensure_future(_download(world))
    try:
        await asyncio.gather(task, fail())
    finally:
        task.cancel()
        await asyncio.wait([task])


CANCELS: dict[str, tuple[Callable[[World, float], Any], type[BaseException]]] = {
    "cancel": (_cancel, asyncio.CancelledError),
    "wait_for": (_time_out, asyncio.TimeoutError),
    "sibling": (_gather, LookupError),
}


@case(
    "P07",
    "a task is cancelled, times out, or a sibling of it fails, at moments of chance",
    "the error of asyncio, one Abort, nothing kept",
    faces=("asyncio",),
    variants={f"{name} {turn}": (name, turn) for name in CANCELS for turn in range(7)},
    stars=1,
)
def task_cancelled(world: World, how: tuple[str, int]) -> None:
    work, kind = CANCELS[how[0]]
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 2)
    with world.fails(kind):
        asyncio.run(work(world, 0.15 + how[1] * 0.15 + world.random.random() * 0.15))


@case(
    "P08",
    "a loop is closed with a download in it",
    "no crash, an Abort, nothing kept",
    faces=("asyncio",),
)
def loop_closed(world: World) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 4)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        task = loop.create_task(_download(world))
        loop.run_until_complete(asyncio.wait([task], timeout=1.0))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        del task, loop
        gc.collect()
    wait_for(lambda: world.simulator.calls("HttpNfcLeaseAbort"))
    wait_for(lambda: not list(world.target.glob("*.part")))
    world.wanted.append(("Abort",))
    world.failed = True


@case(
    "P09",
    "the process forks in the middle of a disk, and the child uses what it has",
    "ForkError there, the whole disk here, and no Abort of the child",
    faces=LEASES[:1],
    stars=2,
)
def forked(world: World) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE)
    with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        transfer = lease.start_download(
            disk_of(lease), world.target / "disk-0.vmdk", overwrite=True
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            _in_the_child(lease, transfer)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        world.expect(status == 3, f"three ForkErrors in the child, not {status}")
        world.expect(transfer.result().verified == "manifest", "the parent's disk is verified")
    world.wanted.append(("Complete",))


def _in_the_child(lease: Any, transfer: Any) -> None:
    refused = 0
    try:
        uses = [partial(lease.Progress, 1), partial(transfer.result, 1), lease.close]
        while uses:
            try:
                uses.pop()()
            except ForkError:
                refused += 1
        del lease, transfer
        gc.collect()
    finally:
        os._exit(refused)


def _export_in_child(simulator_login: list[str], name: str, target: str) -> str:
    import ssl

    from pyVim.connect import SmartConnect

    from nfclease.inventory import find

    host, port, user, password, ca_file = simulator_login
    context = ssl.create_default_context(cafile=ca_file)
    service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
    result = nfclease.export_vm(find(service, name), target)
    return ",".join(sorted({file.verified for file in result.files}))


@case(
    "P10",
    "a pool of forked processes, each of which exports",
    "all of them work",
    faces=("export_vm",),
)
def pool_of_forks(world: World) -> None:
    context = multiprocessing.get_context("fork")
    arguments = [
        (login(world.simulator), "one", str(world.target / f"fork-{number}")) for number in range(4)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with context.Pool(2) as pool:
            found = pool.starmap(_export_in_child, arguments)
            pool.close()
            pool.join()
    world.expect(found == ["manifest"] * 4, f"all are verified: {found}")
    world.wanted += [("Complete",)] * 4


@case(
    "P11",
    "the interpreter exits in the middle of a disk",
    "it exits in seconds, with an Abort and nothing kept",
    faces=LEASES[:1],
    variants={name: name for name in ("alone", "daemon", "joined")},
    stars=1,
)
def exits(world: World, how: str) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 60)
    raw = world.vm.ExportVm()
    target = world.target / "other"
    clock = Stopwatch(world.simulator.pid)
    ended = subprocess.run(
        [sys.executable, EXIT_MIDWAY, how, *login(world.simulator), raw._moId, target],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    world.texts += [ended.stdout, ended.stderr]
    world.expect(ended.returncode == 0, f"it ends well: {ended.stderr[-300:]}")
    world.expect("Fatal" not in ended.stderr, "no fatal error of Python")
    world.expect(clock.seconds() < 12, "it exits soon")
    world.wanted.append(("Abort",))
    world.failed = True


@case(
    "P12",
    "the last reference to an open lease goes",
    "ResourceWarning, and an Abort, for which nobody waits",
    faces=LEASES,
)
def dropped(world: World) -> None:
    kind = HttpNfcLease if world.face == "blocking" else AsyncHttpNfcLease

    def hold() -> None:
        lease = kind(world.vm.ExportVm())
        assert lease is not None

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        hold()
        gc.collect()
    world.expect([each for each in told if each.category is ResourceWarning], "a ResourceWarning")
    wait_for(lambda: world.simulator.calls("HttpNfcLeaseAbort"))
    world.wanted.append(("Abort",))


@case(
    "P13",
    "an exception of the caller's in the block",
    "it comes out itself, after an Abort",
    faces=LEASES[:1],
)
def callers_exception(world: World) -> None:
    with world.fails(ZeroDivisionError), HttpNfcLease(world.vm.ExportVm()) as lease:
        lease.wait_ready(10)
        _ = 1 // 0


@case(
    "P14",
    "two hundred transfers in one process",
    "threads, descriptors and memory are what they were",
    faces=("blocking", "asyncio", "export_vm"),
    deadline=120.0,
    growth=24 << 20,
)
def two_hundred(world: World) -> None:
    for _ in range(100):
        world.job()
    gc.collect()
    half = invariants.resident()
    for _ in range(100):
        world.job()
    gc.collect()
    grown = invariants.resident() - half
    world.expect(grown < 2 << 20, f"the second hundred adds less than 2 MiB, not {grown} bytes")


@case(
    "P15",
    "eight threads share a session, each with leases of its own",
    "all of them work",
    faces=LEASES[:1],
)
def eight_threads(world: World) -> None:
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
                lease.download(disk_of(lease), world.target / f"thread-{number}")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.expect(not failed, f"no thread fails: {failed}")
    world.wanted += [("Complete",)] * 8


class Text(str):
    """A text of the caller's own class."""


WRONG: dict[str, tuple[Any, type[Exception] | None]] = {
    "None": (None, TypeError),
    "a number": (7, TypeError),
    "bytes": (b"disk", TypeError),
    "a surrogate": ("disk-\ud800", UnicodeEncodeError),
    "NUL": ("disk\0", ValueError),
    "own text": (Text("disk"), None),
    "a path": (Path("disk"), None),
}


@case(
    "P16",
    "a target of another kind, or a path that is none",
    "TypeError or ValueError, and an Abort; what is a path works",
    faces=LEASES[:1],
    variants=WRONG,
)
def arguments(world: World, how: tuple[Any, type[Exception] | None]) -> None:
    target, kind = how

    def download() -> None:
        with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
            lease.download(disk_of(lease), target)

    before = Path.cwd()
    os.chdir(world.target)
    world.stack.callback(os.chdir, before)
    if kind is None:
        download()
        world.wanted.append(("Complete",))
        return
    with world.fails(kind):
        download()


@case("P17", "a target that is slower than the network", "memory stays bounded", faces=LEASES[:1])
def slow_target(world: World) -> None:
    world.large()

    class Slow:
        def write(self, data: Any) -> int:
            time.sleep(0.05)
            return len(data)

    with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        lease.download(disk_of(lease), Slow())  # type: ignore[call-overload,unused-ignore]
    world.wanted.append(("Complete",))
