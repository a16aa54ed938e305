"""A job is cancelled while its package gets its name. Its thread goes on, and loses nothing."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest

import nfclease

from ..support.waiting import until


class SlowDisk:
    """A file system whose fsync waits for ``go``, and whose removals before that for a rename."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.go, self.renamed = (threading.Event() for _ in range(3))
        fsync, rename, unlink = os.fsync, os.rename, os.unlink

        def slow_fsync(number: int) -> None:
            self.reached.set()
            assert self.go.wait(60)
            fsync(number)

        def told_rename(*args: Any, **options: Any) -> None:
            rename(*args, **options)
            self.renamed.set()

        def slow_unlink(*args: Any, **options: Any) -> None:
            if not self.go.is_set():
                self.go.set()
                self.renamed.wait(10)
            unlink(*args, **options)

        monkeypatch.setattr(os, "fsync", slow_fsync)
        monkeypatch.setattr(os, "rename", told_rename)
        monkeypatch.setattr(os, "unlink", slow_unlink)


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


async def cancelled_at_its_end(disk: SlowDisk, vm: Any, target: Path, **options: Any) -> None:
    task = asyncio.ensure_future(nfclease.export_vm_async(vm, target, **options))
    await until(lambda: disk.reached.is_set() or task.done(), 60)
    task.cancel()
    await asyncio.sleep(0.3)
    disk.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_the_old_package_stays(
    demo_vm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "package"
    nfclease.export_vm(demo_vm, target)
    before = content(target)
    disk = SlowDisk(monkeypatch)
    asyncio.run(cancelled_at_its_end(disk, demo_vm, target, overwrite=True, name="another"))
    assert content(target) == before
    assert [path.name for path in tmp_path.iterdir()] == ["package"]


def test_half_a_package_gets_no_name(
    demo_vm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = SlowDisk(monkeypatch)
    asyncio.run(cancelled_at_its_end(disk, demo_vm, tmp_path / "package"))
    assert list(tmp_path.iterdir()) == []
