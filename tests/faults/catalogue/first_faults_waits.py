"""U01 to U05: waits without an end, and panics. The numbers are those of the first report."""

from __future__ import annotations

import asyncio
import errno
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nfclease
from nfclease import AsyncHttpNfcLease, HttpStatusError, NfcError

from ..harness.case import FACES, IMPORTS, case
from ..harness.hosts import raw_host
from ..harness.tracing import needs_tracing
from ..harness.vcenter import VcenterFront
from ..harness.world import DISK, LARGE_SIZE, World

SCRIPT = Path(__file__).parents[2] / "support" / "without_threads.py"
STRACE = ["strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=?clone,?clone3"]


@case(
    "U01",
    "a host asks to be left alone for a second, and then for 2^64-1, on a loop with other work",
    "HttpStatusError and an Abort; the loop goes on all the while",
    faces=("asyncio",),
)
def left_alone(world: World) -> None:
    again = {"Retry-After": "1"}
    world.simulator.inject("status", disk=DISK, code=503, headers=again, count=1)
    again = {"Retry-After": "18446744073709551615"}
    world.simulator.inject("status", disk=DISK, code=503, headers=again)
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.05)

    async def download() -> None:
        ticking = asyncio.ensure_future(tick())
        try:
            async with AsyncHttpNfcLease(world.vm.ExportVm(), max_retries=3) as lease:
                await lease.wait_ready(10)
                await lease.download_all(world.target)
        finally:
            ticking.cancel()

    with world.fails(HttpStatusError, status=503):
        asyncio.run(download())
    world.expect(turns >= 5, f"the loop had {turns} turns in more than a second")


NUMBERS: dict[str, tuple[bytes, bytes]] = {
    "capacity 2^63-1": (rb"(<totalDiskCapacityInKB>)\d+(<)", rb"\g<1>9223372036854775807\2"),
    "capacity -1": (rb"(<totalDiskCapacityInKB>)\d+(<)", rb"\g<1>-1\2"),
    "disk with blanks": (rb"(<disk>)true(<)", rb"\1 true \2"),
    "timeout of 2^31": (rb"(<leaseTimeout>)\d+(<)", rb"\g<1>2147483648\2"),
    "fileSize 2^63-1": (rb"(</targetId>)", rb"\1<fileSize>9223372036854775807</fileSize>"),
    "fileSize -1": (rb"(</targetId>)", rb"\1<fileSize>-1</fileSize>"),
}


@case(
    "U02",
    "a number or flag of the lease is the largest there is, negative, or has blanks",
    "it is only told: the disk is verified, and the lease is renewed",
    faces=FACES,
    variants=NUMBERS,
)
def numbers(world: World, how: tuple[bytes, bytes]) -> None:
    pattern, said = how
    found: list[int] = []

    def edited(content: bytes) -> bytes:
        content, count = re.subn(pattern, said, content)
        found.append(count)
        return content

    VcenterFront(world, "NoSuchMethod", lambda handler: None, edited)
    world.job()
    world.expect(sum(found) or b"fileSize" in said, "the number was another")
    world.expect(world.simulator.calls("HttpNfcLeaseProgress"), "the lease was renewed")


@case(
    "U03",
    "a host answers an upload before it has read it, and reads on or hangs up",
    "an error of ours, for nothing shows that the host has the disk; no wait without an end",
    faces=IMPORTS,
    variants={"reads on": True, "hangs up": False},
)
def answers_early(world: World, reads: bool) -> None:
    world.large()

    def talk(connection: Any, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        while reads and connection.recv(65536):
            pass

    raw_host(world, talk)
    _fails_somehow(world, world.job)


def _fails_somehow(world: World, work: Callable[[], object]) -> None:
    """It ends in an error of ours, and an Abort."""
    world.failed = True
    world.wanted.append(("Abort",))
    try:
        work()
    except NfcError as error:
        world.texts += [str(error), repr(error)]
        return
    world.expect(False, "it has failed")


@case(
    "U04",
    "the system has no thread left for the first lease of a process, from the n-th on",
    "OSError(EAGAIN), the lease is aborted, no panic",
    faces=("blocking", "asyncio"),
    needs=needs_tracing,
    variants={str(number): number for number in range(1, 8)},
)
def no_thread(world: World, number: int) -> None:
    names = ("ca_file", "host", "port", "user", "password")
    where = json.dumps({name: str(getattr(world.simulator, name)) for name in names})
    inject = ["-e", f"inject=?clone,?clone3:error=EAGAIN:when={number}+"]
    command = [*STRACE, *inject, sys.executable, str(SCRIPT), where, "0", world.face]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    world.texts += [done.stdout, done.stderr]
    world.expect(done.stdout == f"OSError {errno.EAGAIN} error\n", f"it said {done.stdout!r}")
    world.expect(done.returncode == 0, f"it ended with {done.returncode}")
    world.failed = True
    world.wanted.append(("Abort",))


@case(
    "U05",
    "a host does not read an upload for 35 seconds, longer than any timer of the libraries",
    "with timeout=120 it goes on afterwards, and is verified",
    faces=IMPORTS,
    deadline=90.0,
)
def closed_window(world: World) -> None:
    world.large()
    world.simulator.inject("stall", disk=DISK, after_bytes=LARGE_SIZE // 4, seconds=35.0, count=1)
    began = time.monotonic()
    [result] = world.job(timeout=120.0, max_retries=0)
    world.expect(result.attempts == 1, "it was sent once")
    world.expect(time.monotonic() - began > 35.0, "the window was closed for so long")
    world.expect(isinstance(result, nfclease.ImportedFile), "a file of an import")
