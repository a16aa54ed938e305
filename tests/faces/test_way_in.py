"""The way of a call to the core: straight down, and through no file twice."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import nfclease
from nfclease import HttpNfcLease

from ..support.leases import disk_of

PACKAGE = Path(nfclease.__file__).parent


class Trace:
    """The files of the package that are entered until a native call is made, in order."""

    def __init__(self, native: str) -> None:
        self.entered: list[str] = []
        self._native = native
        self._arrived = False

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        self._arrived = self._arrived or getattr(called, "__name__", "") == self._native
        file = Path(frame.f_code.co_filename)
        if self._arrived or event != "call" or PACKAGE not in file.parents:
            return
        name = str(file.relative_to(PACKAGE))
        if self.entered[-1:] != [name]:
            self.entered.append(name)

    def __enter__(self) -> Trace:
        sys.setprofile(self)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        assert self._arrived


@pytest.mark.parametrize("way", ["download", "start_download"])
def test_a_download_enters_no_file_twice(demo_vm: Any, tmp_path: Path, way: str) -> None:
    with HttpNfcLease(demo_vm.ExportVm()) as lease:
        device_url = disk_of(lease)
        lease.download(device_url, tmp_path / "before")  # what is loaded by the first
        with Trace("download") as trace:
            if way == "start_download":
                lease.start_download(device_url, tmp_path / "after").result()
            else:
                lease.download(device_url, tmp_path / "after")
    assert len(trace.entered) == len(set(trace.entered)), trace.entered
    assert trace.entered[0] == "lease.py"
