"""What progress=True writes to standard error: bars, lines, and what it outlives. On both faces."""

from __future__ import annotations

import io
import os
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.inventory import DISK_SIZE
from ..support.leases import disk_of, endings
from .conftest import ExportShown, FailingExport


class Terminal(io.StringIO):
    """Standard error as a terminal sees it."""

    def isatty(self) -> bool:
        return True


def shown_on(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """What standard error is from now on. Not a fixture: pytest sets it anew when a test begins."""
    pytest.importorskip("rich", reason="not run: rich is not installed")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def lines_of(shown: Terminal) -> list[str]:
    """What was written to it, without what moves the cursor."""
    return re.split(r"[\r\n]+", re.sub(r"\x1b(?:\[[\d;?]*[A-Za-z]|D)", "\n", shown.getvalue()))


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of this width, whatever the tests run in."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")


def test_bars_in_a_terminal(
    export_shown: ExportShown,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = shown_on(monkeypatch)
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE)
    export_shown()
    text = shown.getvalue()
    for name in ("disk-1.vmdk", "disk-2.vmdk", "demo-vm.nvram", "total"):
        assert f"{name}: " in text
    assert "5 of 5 files, ended" in text
    assert "all disks hold up to " in text
    assert "%" not in text, "of what is unknown"


def test_lines_where_no_bar_can_move(
    export_shown: ExportShown,
    simulator: Simulator,
    capfd: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("rich", reason="not run: rich is not installed")
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE)
    export_shown()
    lines = capfd.readouterr().err.splitlines()
    assert not [line for line in lines if "\r" in line]
    ended = [line for line in lines if line.endswith(", ended")]
    assert len(ended) == 5
    assert [line for line in lines if " all disks hold up to " in line]
    assert len(lines) <= 10


def test_one_bar_for_one_file(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = shown_on(monkeypatch)
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE)
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download(disk_of(lease), tmp_path / "disk", progress=True)
    text = shown.getvalue()
    assert "total" not in text
    assert "all disks hold up to " in text
    ended = [line for line in lines_of(shown) if line.endswith(", ended")]
    assert len(ended) == 1
    assert "all disks hold up to " not in ended[0]


def test_a_bar_keeps_its_rate_when_others_go_on(
    export_shown: ExportShown,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = shown_on(monkeypatch)
    simulator.inject("bandwidth", disk="disk-3.vmdk", bytes_per_second=DISK_SIZE / 3)
    export_shown()
    [last] = [line for line in lines_of(shown) if re.match(r"disk-1\.vmdk: .*, ended$", line)]
    [rate] = re.findall(r"([\d.]+) MB/s", last)
    assert float(rate) > DISK_SIZE / 1.5 / 1e6, last


@pytest.mark.parametrize("tty", [True, False], ids=["bars", "lines"])
def test_a_name_does_not_steer_the_terminal(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tty: bool,
) -> None:
    shown = shown_on(monkeypatch)
    simulator.inject("target_id", disk="disk-1.vmdk", value="disk\u202e\u009b2J.vmdk")
    monkeypatch.setattr(shown, "isatty", lambda: tty)
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download(disk_of(lease), tmp_path / "disk", progress=True)
    text = shown.getvalue()
    assert r"disk\u202e\x9b2J.vmdk: " in text
    assert not {"\u202e", "\u009b"} & set(text)


def test_a_failure_is_no_full_bar(
    failing_export: FailingExport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = shown_on(monkeypatch)
    failing_export(tmp_path, True)
    lines = lines_of(shown)
    assert any(re.match(r"disk-2\.vmdk: .*, failed$", line) for line in lines)
    assert not [line for line in lines if re.match(r"(disk-2\.vmdk|total): .*, ended$", line)]
    monkeypatch.setattr(shown, "isatty", lambda: False)
    again = tmp_path / "again"
    again.mkdir()
    failing_export(again, True)
    assert re.search(r"^disk-2\.vmdk: .*, failed$", shown.getvalue(), re.MULTILINE)


class Broken(Terminal):
    """A terminal that was closed, or a log on a disk that is full."""

    def __init__(self, error: Exception, tty: bool) -> None:
        super().__init__()
        self._error = error
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

    def write(self, text: str) -> int:
        raise self._error


def closed() -> io.StringIO:
    file = io.StringIO()
    file.close()
    return file


@pytest.mark.parametrize(
    "stderr",
    [
        pytest.param(lambda: None, id="none, as under pythonw"),
        pytest.param(lambda: closed(), id="closed"),
        pytest.param(lambda: Broken(OSError(28, "full"), tty=False), id="full log"),
        pytest.param(lambda: Broken(OSError(5, "gone"), tty=True), id="gone terminal"),
        pytest.param(lambda: Broken(ValueError("closed"), tty=True), id="closed while it runs"),
    ],
)
def test_an_export_outlives_what_shows_it(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stderr: Any,
) -> None:
    pytest.importorskip("rich", reason="not run: rich is not installed")
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stderr", stderr())
            results = lease.download_all(tmp_path, progress=True)
    assert len(results) == 5
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


class Piped(io.TextIOWrapper):
    """One end of a pipe, which may pass for a terminal, as in the consoles of some editors."""

    tty = False

    def isatty(self) -> bool:
        return self.tty


@pytest.mark.parametrize("tty", [True, False], ids=["bars", "lines"])
def test_an_export_outlives_a_pipe_that_breaks(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tty: bool,
) -> None:
    """As by `| head`: the reader goes after the first bytes. Rich would end the process."""
    pytest.importorskip("rich", reason="not run: rich is not installed")
    monkeypatch.setenv("TERM", "xterm-256color")
    simulator.inject("bandwidth", disk=".vmdk", bytes_per_second=4 * DISK_SIZE)
    read, write = os.pipe()
    stderr = Piped(os.fdopen(write, "wb", 0), encoding="utf-8", write_through=True)
    stderr.tty = tty

    def leave() -> None:
        assert os.read(read, 1)
        os.close(read)

    reader = threading.Thread(target=leave)
    reader.start()
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stderr", stderr)
            results = lease.download_all(tmp_path, progress=True)
            assert sys.stderr is stderr
    reader.join(10)
    with pytest.raises(BrokenPipeError):
        stderr.write("still broken")
    stderr.close()
    assert len(results) == 5
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
