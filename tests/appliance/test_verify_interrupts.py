"""A `verify` that is broken off: by Ctrl-C, and by a task that is cancelled."""

from __future__ import annotations

import asyncio
import os
import signal
import tarfile
from pathlib import Path

import pytest

from nfclease import TransferProgress, verify, verify_async

from ..support.packages import END, entry, package

#: Nobody reads so much within a test.
HUGE = 4 << 40


@pytest.fixture
def huge(tmp_path: Path) -> Path:
    """A package with a file of holes."""
    members = package(algorithm=None)
    header = tarfile.TarInfo("disk.vmdk")
    header.size = HUGE
    path = tmp_path / "x.ova"
    try:
        with path.open("wb") as file:
            file.write(entry("demo.ovf", members["demo.ovf"]) + header.tobuf(tarfile.GNU_FORMAT))
            file.seek(HUGE, os.SEEK_CUR)
            file.write(END)
    except OSError as error:
        pytest.skip(f"not run: no sparse file of this size here ({error})")
    return path


def test_ctrl_c(huge: Path) -> None:
    def interrupt(progress: TransferProgress) -> None:
        if progress.name == "disk.vmdk" and progress.bytes_done:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        verify(huge, progress=interrupt)


def test_cancelled(huge: Path) -> None:
    async def main() -> None:
        begun = asyncio.Event()

        def look(progress: TransferProgress) -> None:
            if progress.name == "disk.vmdk" and progress.bytes_done:
                begun.set()

        task = asyncio.create_task(verify_async(huge, progress=look))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
