"""P: ways out of a transfer: Ctrl-C, an exception, the end of the script, a lease nobody holds."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import threading
import warnings

from nfclease import AsyncHttpNfcLease, HttpNfcLease

from ...support.clock import Stopwatch
from ...support.smoke import EXIT_MIDWAY, login
from ...support.waiting import wait_for
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
