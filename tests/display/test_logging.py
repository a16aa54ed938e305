"""What is logged: a line for each decision, by the standard means, and nothing otherwise."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.leases import endings
from ..support.records import ours


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Level and text of our own records."""
    return [(record.levelname, record.getMessage()) for record in ours(caplog)]


def test_nothing_is_said_when_all_is_well(
    open_lease: OpenLease, demo_vm: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert lines(caplog) == []


def test_a_line_for_a_retry(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    simulator.inject("cut", disk="disk-1.vmdk", count=1, after_bytes=1 << 20, how="reset")
    with open_lease(demo_vm.ExportVm()) as lease:
        disk = next(url for url in lease.wait_ready(10).deviceUrl if url.targetId == "disk-1.vmdk")
        assert lease.download(disk, tmp_path / "disk").attempts == 2
    [(level, text)] = lines(caplog)
    assert level == "WARNING"
    assert text.startswith("disk-1.vmdk at ")
    assert "starting it again" in text


def test_a_line_for_a_lost_lease(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    simulator.inject("bandwidth", bytes_per_second=1 << 20)
    lease = open_lease(demo_vm.ExportVm(), keep_alive_interval=0.2)
    with pytest.raises(nfclease.LeaseLostError), lease:
        lease.wait_ready(10)
        simulator.expire()
        lease.download_all(tmp_path)
    said = [text for level, text in lines(caplog) if level == "ERROR"]
    assert len(said) == 1
    assert "Timedout" in said[0]
    assert len(lines(caplog)) <= 3


class Refusing(logging.Handler):
    """Raises, as pytest's and CI's do that make an error of a warning."""

    def emit(self, record: logging.LogRecord) -> None:
        raise LookupError(record.getMessage())


def test_what_a_handler_raises_comes_out(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As of any logging call; it does not turn up as the error of something else later."""
    simulator.inject("cut", disk="disk-1.vmdk", count=1, after_bytes=1 << 20)
    monkeypatch.setattr(logging.getLogger("nfclease"), "handlers", [Refusing()])
    lease = open_lease(demo_vm.ExportVm())
    with pytest.raises(LookupError, match="starting it again"), lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert not list(tmp_path.glob("*.part"))


def test_silent_without_a_configuration() -> None:
    """A NullHandler: Python's handler of last resort stays out of it."""
    code = "import logging, nfclease; logging.getLogger('nfclease.lease').warning('x')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture
def calls_shown(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG, "nfclease.calls"):
        yield


def test_calls_for_who_wants_them(
    open_lease: OpenLease,
    demo_vm: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    calls_shown: None,
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        results = lease.download_all(tmp_path)
    said = [text for _, text in lines(caplog)]
    assert said[0] == f"{lease._moId} is ready: {len(results)} devices"
    for result in results:
        [text] = [text for text in said if text.startswith(f"{result.name}: ")]
        assert text.startswith(f"{result.name}: {result.bytes} bytes with ")
        assert text.endswith(", attempt 1, verified: manifest")
    assert said[-1] == f"HttpNfcLeaseComplete of {lease._moId}: done"
    with pytest.raises(KeyError), open_lease(demo_vm.ExportVm()) as lease:
        raise KeyError
    assert lines(caplog)[-1][1] == f"HttpNfcLeaseAbort of {lease._moId}: aborted"
