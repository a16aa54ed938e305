"""What a traceback shows: the script's line, the method that it called, and little more of ours."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.leases import disk_of

OURS = str(Path(nfclease.__file__).parent)


def frames(error: BaseException) -> list[tuple[bool, str]]:
    """Whether each is ours, and its name, from the call in the test on."""
    found = traceback.extract_tb(error.__traceback__)
    return [(frame.filename.startswith(OURS), frame.name) for frame in found]


def ours(error: BaseException) -> list[str]:
    return [name for own, name in frames(error) if own]


def test_no_such_directory(lease: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        lease.download_all(tmp_path / "missing" / "out")
    assert ours(caught.value)[0] == "download_all"
    assert len(ours(caught.value)) <= 2
    assert "contextlib" not in "".join(traceback.format_exception(caught.value))
    assert "During handling" not in "".join(traceback.format_exception(caught.value))


def test_what_the_script_did_itself_stays(simulator: Simulator, lease: Any, tmp_path: Path) -> None:
    def tell(snapshot: object) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError) as caught:
        lease.download_all(tmp_path, progress=tell)
    assert frames(caught.value)[-1] == (False, "tell")
    assert len(ours(caught.value)) <= 2


def test_a_broken_transfer(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("cut", after_bytes=1000)
    lease = open_lease(demo_vm.ExportVm(), max_retries=0)
    with pytest.raises(nfclease.TruncatedError) as caught, lease:
        lease.download(disk_of(lease), tmp_path / "disk")
    assert len(ours(caught.value)) <= 2


def test_all_of_it_on_request(lease: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "NFCLEASE_TRACEBACKS", "full")
    with pytest.raises(FileNotFoundError) as caught:
        lease.download_all(tmp_path / "missing" / "out")
    assert len(ours(caught.value)) > 2
