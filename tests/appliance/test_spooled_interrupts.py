"""A stream that is spooled, and a job that is broken off meanwhile: nothing of it stays."""

from __future__ import annotations

import asyncio
import gzip
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nfclease import import_vapp_async, verify, verify_async
from nfclease.simulator import Simulator

from ..support.importing import calls_of
from ..support.packages import descriptor, ova, package, stream_disk

#: Seconds for what takes none: only a test that fails waits so long.
LONG = 60.0

PIECE = 512


def compressed() -> bytes:
    disks = {f"{seed}.vmdk": gzip.compress(stream_disk(20, seed)) for seed in range(3)}
    return ova(package(disks, file_attributes='ovf:compression="gzip"'))


def chunked() -> bytes:
    disk, size = stream_disk(60), 10_000
    chunks = {f"a.vmdk.{at // size:09}": disk[at : at + size] for at in range(0, len(disk), size)}
    described = descriptor({"a.vmdk": len(disk)}, file_attributes=f'ovf:chunkSize="{size}"')
    return ova({"demo.ovf": described, **chunks})


class Held:
    """A stream that stops at one place until it is let go on; Ctrl-C there, if wanted."""

    def __init__(self, data: bytes, at: int, *, interrupts: bool = False) -> None:
        self._data, self._at, self._interrupts = data, at, interrupts
        self._reader: threading.Thread | None = None
        self._there, self._free = threading.Event(), threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        for at in range(0, len(self._data), PIECE):
            if at == self._at:
                self._reader = threading.current_thread()
                self._there.set()
                if self._interrupts:
                    os.kill(os.getpid(), signal.SIGINT)
                assert self._free.wait(LONG)
            yield self._data[at : at + PIECE]

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._there.wait, LONG)

    def let_go_on(self) -> None:
        """Lets it go on, until the thread that reads it has ended."""
        self._free.set()
        assert self._reader is not None
        self._reader.join(LONG)
        assert not self._reader.is_alive()


def header_of(data: bytes, number: int) -> int:
    """Where the header of a file is, the descriptor and the manifest file left out."""
    heads = (at for at in range(0, len(data), 512) if data[at + 257 : at + 262] == b"ustar")
    names = ((at, data[at : at + 100].rstrip(b"\0")) for at in heads)
    return [at for at, name in names if not name.startswith(b"demo.")][number]


PLACES = {
    "within_the_first_file": lambda data: header_of(data, 0) + 2 * PIECE,
    "before_the_second_file": lambda data: header_of(data, 1),
    "within_the_last_file": lambda data: header_of(data, -1) + 2 * PIECE,
    "at_the_end": lambda data: len(data) - PIECE,
}


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary directories are made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def left(folder: Path) -> list[Path]:
    return [*folder.rglob("*")]


async def cancelled(job: Any, stream: Held, spool: Path) -> None:
    task = asyncio.ensure_future(job)
    await stream.reached()
    assert left(spool)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not left(spool)
    await asyncio.to_thread(stream.let_go_on)
    assert not left(spool)


@pytest.mark.parametrize("make", [compressed, chunked])
@pytest.mark.parametrize("place", PLACES)
def test_a_cancelled_verify(spool: Path, make: Any, place: str) -> None:
    data = make()
    stream = Held(data, PLACES[place](data))
    asyncio.run(cancelled(verify_async(stream), stream, spool))


def test_a_cancelled_import(spool: Path, simulator: Simulator, demo_vm: Any) -> None:
    data = compressed()
    stream = Held(data, PLACES["within_the_first_file"](data))
    job = import_vapp_async(stream, demo_vm.resourcePool)
    asyncio.run(cancelled(job, stream, spool))
    assert calls_of(simulator, "ImportVApp") == 0


def test_ctrl_c(spool: Path) -> None:
    data = compressed()
    stream = Held(data, PLACES["within_the_first_file"](data), interrupts=True)
    with pytest.raises(KeyboardInterrupt):
        verify(stream)
    assert not left(spool)
    stream.let_go_on()
    assert not left(spool)
