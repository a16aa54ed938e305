"""P: what a caller hands in: callbacks, targets, paths."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from nfclease import HttpNfcLease, TransferCancelledError

from ...support.clock import Stopwatch
from ...support.leases import disk_of
from ..harness.case import LEASES, case
from ..harness.world import DISK, DISK_SIZE, World

ALL_BUT_FLEET = ("blocking", "asyncio", "export_vm", "import_vapp")


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
