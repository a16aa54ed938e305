"""T: promises with numbers, each measured several times.

The bounds are for a machine that does nothing else: no case is run by ``make test``.
"""

from __future__ import annotations

import ctypes
import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nfclease import HttpNfcLease, HttpStatusError, LeaseLostError, StallError

from ...support.clock import Stopwatch
from ...support.waiting import wait_for
from ..harness import invariants
from ..harness.case import FACES, case
from ..harness.world import DISK, DISK_SIZE, LARGE_SIZE, World
from .soap import CALL

JOBS = ("blocking", "asyncio", "export_vm", "import_vapp")
ABORT = "HttpNfcLeaseAbort"
SAMPLES = 5


def _press(world: World, began: list[Stopwatch]) -> None:
    """Sends SIGINT to the main thread, as Ctrl-C does, and starts a clock."""
    began.append(Stopwatch(world.simulator.pid))
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _interrupted(world: World, press: Callable[[list[Stopwatch]], None]) -> float:
    """Seconds from a press to the KeyboardInterrupt that comes out of a job."""
    began: list[Stopwatch] = []
    seconds = float("inf")
    with _beside(lambda: press(began)), world.fails(KeyboardInterrupt):
        try:
            world.job(timeout=10.0)
        except KeyboardInterrupt:
            seconds = began[0].seconds() if began else seconds
            raise
    return seconds


def _when_it_moves(world: World) -> None:
    """Waits until a stream of the job is open, and for a moment of chance then."""
    wait_for(lambda: any(each["ended"] is None for each in world.requests()))
    time.sleep(world.random.random() / 2)


@contextmanager
def _beside(work: Callable[[], object]) -> Iterator[None]:
    """A block with something that another thread does meanwhile."""
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@case(
    "T01",
    "Ctrl-C at five moments of chance",
    "KeyboardInterrupt comes out within 250 ms, Abort included",
    faces=JOBS,
    alone=True,
)
def interrupted(world: World) -> None:
    world.large()
    world.simulator.inject("bandwidth", bytes_per_second=LARGE_SIZE / 8)

    def press(began: list[Stopwatch]) -> None:
        _when_it_moves(world)
        _press(world, began)

    samples = [_interrupted(world, press) for _ in range(SAMPLES)]
    world.within("Ctrl-C", samples, 0.25)


@case(
    "T02",
    "a second Ctrl-C while Abort has no answer",
    "the call returns within 500 ms, and Abort was sent once",
    faces=JOBS,
    deadline=60.0,
    alone=True,
)
def interrupted_twice(world: World) -> None:
    world.large()
    world.simulator.inject("bandwidth", bytes_per_second=LARGE_SIZE / 8)
    world.simulator.inject("soap_delay", method=ABORT, seconds=3)
    samples = []
    for number in range(1, 4):

        def press(began: list[Stopwatch], number: int = number) -> None:
            _when_it_moves(world)
            _press(world, [])
            wait_for(lambda: len(world.simulator.calls(ABORT)) == number)
            time.sleep(world.random.random() / 2)
            _press(world, began)

        samples.append(_interrupted(world, press))
        # The Abort goes on behind it.
        wait_for(lambda: all(call["result"] for call in world.simulator.calls(ABORT)))
    world.within("second Ctrl-C", samples, 0.5)


@case(
    "T03",
    "the server says that the lease is not there any more, in the middle of two disks",
    "the streams end within a second, and so does the job",
    faces=FACES,
    alone=True,
)
def streams_end(world: World) -> None:
    world.vm = world.named("two")
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 20)
    world.simulator.inject("bandwidth", disk="disk-1", bytes_per_second=DISK_SIZE / 20)
    ended = 0.0

    def refuse() -> None:
        time.sleep(1.0)
        fault = "vmodl.fault.ManagedObjectNotFound"
        world.simulator.inject("soap_fault", method="HttpNfcLeaseProgress", fault=fault)

    with _beside(refuse), world.fails(LeaseLostError, ends=()):
        try:
            world.job(keep_alive_interval=0.2, timeout=20.0)
        finally:
            ended = time.monotonic()
    calls = world.simulator.calls("HttpNfcLeaseProgress")
    lost = next(call["t"] for call in calls if call["result"] != "ok")
    wait_for(lambda: all(each["ended"] for each in world.requests()))
    streams = [each["ended"] - lost for each in world.requests() if each["ended"] > lost]
    world.expect(streams, "streams were there to end")
    if world.face != "import_vapp":  # a slow host goes on to read what had been sent
        world.within("streams end", streams, 1.0)
    world.within("the job ends", [ended - lost], 1.0)
    world.held = world.vms_left = 1  # the server says that it is gone, which it is not


STALLS: dict[str, dict[str, Any]] = {
    "silent": {"kind": "stall", "after_bytes": DISK_SIZE // 2},
    "at the start": {"kind": "stall", "after_bytes": 0},
    "some bytes a second": {"kind": "bandwidth", "bytes_per_second": 64},
}


@case(
    "T04",
    "a stream that stands still, or nearly",
    "StallError within the timeout and 5 s",
    faces=FACES,
    variants=STALLS,
    alone=True,
)
def stalls(world: World, how: dict[str, Any]) -> None:
    params = {key: value for key, value in how.items() if key != "kind"}
    timeout = 2.0
    if world.face == "import_vapp":  # what a socket takes at once has two minutes for its answer
        world.large()
    world.simulator.inject(how["kind"], disk=DISK, **params)
    clock = Stopwatch(world.simulator.pid)
    with world.fails(StallError):
        try:
            world.job(max_retries=0, timeout=timeout)
        finally:
            seconds = clock.seconds()
    world.within("a stall is found", [seconds], timeout + 5)


@case(
    "T05",
    "Abort has no answer",
    "it is sent once, the first error comes after at most 10 s",
    faces=FACES,
    deadline=25.0,
    alone=True,
)
def abort_is_silent(world: World) -> None:
    world.simulator.inject("status", disk=DISK, code=410)
    world.simulator.inject("soap_delay", method=ABORT, seconds=None)
    with world.fails(HttpStatusError, status=410, lease_outcome="abort_failed"):
        try:
            world.job()
        finally:
            ended = time.monotonic()
    [abort] = world.simulator.calls(ABORT)
    world.within("Abort is waited for", [ended - abort["t"]], 10.25)
    world.held = world.vms_left = 1


def _parse(world: World, body: str) -> None:
    """Makes calls whose answers take long to read."""
    world.simulator.inject("raw_reply", method=CALL, body=body)
    with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        lease.wait_ready(10)
        until = time.monotonic() + 2
        while time.monotonic() < until:
            try:
                lease.HttpNfcLeaseGetManifest()
            except Exception as error:
                world.texts.append(repr(error)[:500])
    world.wanted.append(("Complete",))


FAULT_TEXT = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    "<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>{}</faultstring>"
    "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
).format("x&amp;" * (1 << 20 >> 3))

BUSY: dict[str, Callable[[World], object]] = {
    "a fault of 1 MiB": lambda world: _parse(world, FAULT_TEXT),
    "the GIL held": lambda world: ctypes.PyDLL(None).sleep(3),
}


@case(
    "T06",
    "another thread reads an answer that takes long, or holds the GIL",
    "a lease is renewed as often as before",
    faces=("blocking",),
    variants=BUSY,
    deadline=60.0,
    alone=True,
)
def cadence(world: World, busy: Callable[[World], object]) -> None:
    interval = 0.5
    raw = world.named("two").ExportVm()
    with HttpNfcLease(raw, keep_alive_interval=interval) as lease:
        lease.wait_ready(10)
        time.sleep(2)
        began = time.monotonic()
        busy(world)
        calls = world.simulator.calls("HttpNfcLeaseProgress", raw._moId)
    times = [call["t"] for call in calls]
    pairs = list(itertools.pairwise(times))
    before = [late - early for early, late in pairs if late < began]
    during = [late - early for early, late in pairs if late > began]
    world.numbers["before"] = max(before)
    world.within("between two Progress", during, interval + 0.25)
    world.wanted.append(("Complete",))


@case(
    "T07",
    "one, four and eight streams of disks that no socket takes at once",
    "the process grows by 64 MiB and 8 MiB a stream at most",
    faces=("asyncio", "export_vm", "fleet"),
    variants={str(streams): streams for streams in (1, 4, 8)},
    alone=True,
)
def memory(world: World, streams: int) -> None:
    world.simulator.add_vm("wide", disks=8, disk_size=LARGE_SIZE // 2, nvram=False)
    world.vm = world.named("wide")
    start = invariants.reset_peak()
    world.job(max_concurrency=streams)
    grown, most = invariants.peak() - start, invariants.GROWTH
    most += streams * invariants.GROWTH_PER_STREAM
    world.expect(grown <= most, f"{grown >> 20} MiB are at most {most >> 20}")
    task = world.vm.Destroy_Task()
    wait_for(lambda: task.info.state not in ("queued", "running"))
