"""The way of a call to the core: straight down, and through no file twice.

A file is entered where another one calls it. Being returned to is not that.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import nfclease
from nfclease import Transfer, TransferResult

from ..support.faces import OpenLease
from ..support.imports import Imported
from ..support.leases import disk_of

PACKAGE = Path(nfclease.__file__).parent


def named(frame: FrameType) -> str:
    """The file of a frame, in the package; empty for one of others."""
    file = Path(frame.f_code.co_filename)
    return str(file.relative_to(PACKAGE)) if PACKAGE in file.parents else ""


def caller_of(frame: FrameType) -> str:
    """The file of the package that called, through the standard library too."""
    back = frame.f_back
    while back is not None and not named(back):
        back = back.f_back
    return named(back) if back else ""


class Trace:
    """The files of the package that are entered until a native call is made, in order.

    Several calls that find nothing else between them enter it once.
    """

    def __init__(self, native: str) -> None:
        self.entered: list[str] = []
        self._native = native
        self._arrived = False

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        self._arrived = self._arrived or getattr(called, "__name__", "") == self._native
        if self._arrived or event != "call":
            return
        name = named(frame)
        if name and name not in (caller_of(frame), *self.entered[-1:]):
            self.entered.append(name)

    def __enter__(self) -> Trace:
        sys.setprofile(self)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        assert self._arrived


def tell_nobody(_: object) -> None:
    """As progress."""


@pytest.mark.parametrize("progress", [None, tell_nobody], ids=["quiet", "told"])
@pytest.mark.parametrize("way", ["download", "start_download"])
def test_a_download_enters_no_file_twice(
    open_lease: OpenLease, demo_vm: Any, tmp_path: Path, way: str, progress: Any
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        device_url, download = disk_of(lease), getattr(lease, way)
        for kind, target in {"path": tmp_path / "disk", "file object": io.BytesIO()}.items():
            for _ in ("what is loaded by the first", "as it is then"):
                with Trace("download") as trace:
                    made = download(device_url, target, overwrite=True, progress=progress)
                ended(made)
            check(kind, trace, open_lease.face)


@pytest.mark.parametrize("progress", [None, tell_nobody], ids=["quiet", "told"])
@pytest.mark.parametrize("way", ["upload", "start_upload"])
def test_an_upload_enters_no_file_twice(
    open_lease: OpenLease, imported: Imported, way: str, progress: Any
) -> None:
    data = imported.path.read_bytes()
    with open_lease(imported.raw) as lease:
        device_url, upload = disk_of(lease), getattr(lease, way)
        file = io.BytesIO(data)
        for kind, source in {"path": imported.path, "file object": file, "bytes": data}.items():
            for _ in ("what is loaded by the first", "as it is then"):
                file.seek(0)
                with Trace("upload") as trace:
                    made = upload(device_url, source, progress=progress)
                ended(made)
            check(kind, trace, open_lease.face)


def ended(made: Transfer | TransferResult) -> None:
    if isinstance(made, Transfer):
        made.result()


def check(kind: str, trace: Trace, face: str) -> None:
    assert len(trace.entered) == len(set(trace.entered)), (kind, trace.entered)
    assert trace.entered[0] == {"blocking": "lease.py", "asyncio": "async_lease.py"}[face]
    assert trace.entered[-1].startswith("_local/")
