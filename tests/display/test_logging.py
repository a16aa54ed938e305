"""What is logged: a line for each decision, by the standard means, and nothing otherwise."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import _log
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


ROOT = Path(__file__).parents[2]


def test_every_logger_of_python_gives_all_attributes(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever forgets `extra=` has it all the same: there are these two loggers and no other."""
    caplog.set_level(logging.DEBUG)
    with caplog.at_level(logging.DEBUG, "nfclease.calls"):
        for found in (_log.logger(), _log.calls()):
            found.warning("a text")
            found.warning("another", extra=_log.extra(vm="vm-1"))
    assert [record.nfclease_vm for record in ours(caplog)] == ["", "vm-1", "", "vm-1"]
    for record in ours(caplog):
        assert {*_log.extra()} <= {*record.__dict__}


def test_nobody_else_makes_a_logger() -> None:
    """But who looks at all handlers of the process. The simulator is a process of its own."""
    package = ROOT / "python" / "nfclease"
    makers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(
            r"getLogger|logging\.(debug|info|warning|error|exception|critical|log)\(",
            path.read_text(encoding="utf-8"),
        )
        and "simulator" not in path.relative_to(package).parts
    }
    assert makers == {"_log.py", "_display/screen.py"}


def test_each_record_of_the_core_has_a_place() -> None:
    """By the one macro; a record of the bindings has the same fields by hand."""
    said = re.compile(r"tracing::(?:error|warn|info|debug|trace|event)!\((.*?)\);", re.DOTALL)
    fields = [f"{name} = %" for name in _log.extra()]
    for path in (ROOT / "src").rglob("*.rs"):
        if path.name == "text.rs":
            continue
        for record in said.findall(path.read_text(encoding="utf-8")):
            assert all(field in record for field in fields), f"{path.name}: {record}"


def test_each_logger_that_the_page_names_exists() -> None:
    page = (ROOT / "docs" / "logging.md").read_text(encoding="utf-8")
    named = {*re.findall(r"\bnfclease(?:\.\w+)*", " ".join(re.findall(r"`[^`\n]+`", page)))}
    core = named - {_log.logger().name, _log.calls().name}
    assert core, "the page has an example of a native one"
    for name in core:
        path = ROOT.joinpath("src", *name.split(".")[1:]).with_suffix(".rs")
        assert "said_at!(" in path.read_text(encoding="utf-8"), name


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
