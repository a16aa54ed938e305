"""What progress= shows, how often, and what its failures do. On both faces."""

from __future__ import annotations

import builtins
import functools
import io
import itertools
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import TransferProgress
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import import_spec, import_vm
from ..support.inventory import DISK_SIZE, demo_vm_of, unique
from ..support.leases import disk_of, endings


def test_a_callable_is_told(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 1.5)
    seen: list[TransferProgress] = []
    with open_lease(demo_vm.ExportVm()) as lease:
        info = lease.wait_ready(10)
        result = lease.download(disk_of(lease), tmp_path / "disk", progress=seen.append)
    done = [snapshot.bytes_done for snapshot in seen]
    assert done == sorted(done)
    assert 4 <= len(seen) <= 15
    assert seen[-1].done
    assert seen[-1].bytes_done == result.bytes
    assert [snapshot.done for snapshot in seen].count(True) == 1
    assert {snapshot.bytes_total for snapshot in seen[:-1]} == {None}, "no size is known, none told"
    assert {snapshot.seconds_left for snapshot in seen[:-1]} == {None}
    capacity = info.totalDiskCapacityInKB * 1024
    assert {snapshot.disk_capacity for snapshot in seen[:-1]} == {capacity}
    assert DISK_SIZE / 3 < seen[-1].rate < DISK_SIZE, "at the end, over the whole time"
    middle = seen[len(seen) // 2]
    assert DISK_SIZE / 6 < middle.rate < DISK_SIZE * 4
    assert (middle.name, middle.attempts) == ("disk-1.vmdk", 1)


def test_five_times_a_second_for_each_file(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    """However often the end of another file wakes the waiting side."""
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 2)
    told: list[tuple[float, TransferProgress]] = []
    with open_lease(demo_vm.ExportVm(), max_concurrency=8) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path, progress=lambda each: told.append((time.monotonic(), each)))
    assert len({each.key for _, each in told}) == 5
    for key in {each.key for _, each in told}:
        moments = [at for at, each in told if each.key == key and not each.done]
        gaps = [after - before for before, after in itertools.pairwise(moments)]
        assert min(gaps, default=1.0) > 0.15


def test_an_upload_knows_its_size(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    seen: list[TransferProgress] = []
    spec = import_spec(service, demo_vm, unique("progress"))
    with open_lease(import_vm(demo_vm, spec), require_uploads=False) as lease:
        item = next(item for item in spec.fileItem if "nvram" in item.path)
        lease.upload(item, b"n" * 5000, progress=seen.append)
    assert (seen[-1].bytes_done, seen[-1].bytes_total) == (5000, 5000)
    assert {snapshot.disk_capacity for snapshot in seen} == {None}


def test_its_exception_comes_out_unchanged(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 5)
    error = LookupError("mine")

    def fail(snapshot: TransferProgress) -> None:
        if snapshot.bytes_done:
            raise error

    lease = open_lease(demo_vm.ExportVm())
    with pytest.raises(LookupError) as caught, lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path, progress=fail)
    assert caught.value is error
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert not list(tmp_path.glob("*.part"))


async def told_later(snapshot: TransferProgress) -> None:
    """Nobody would await it."""


class ToldLater:
    async def __call__(self, snapshot: TransferProgress) -> None:
        """Nor this."""


@pytest.mark.parametrize(
    "progress",
    [
        pytest.param(lambda: None, id="no argument"),
        pytest.param(lambda a, b: None, id="two arguments"),
        pytest.param("yes", id="text"),
        pytest.param(told_later, id="coroutine function"),
        pytest.param(functools.partial(told_later), id="partial of one"),
        pytest.param(ToldLater(), id="object with one"),
        pytest.param(1, id="number"),
    ],
)
def test_what_cannot_be_called_is_refused_before_any_byte(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, progress: Any
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        calls: list[Callable[[], object]] = [
            lambda: lease.download(disk, tmp_path / "disk", progress=progress),
            lambda: lease.download_all(tmp_path, progress=progress),
            lambda: lease.upload(disk, b"x", progress=progress),
        ]
        for call in calls:
            with pytest.raises(TypeError, match="progress"):
                call()
    assert simulator.requests() == []
    assert list(tmp_path.iterdir()) == []


def test_without_rich(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any) -> Any:
        if name.startswith("rich"):
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", missing)
    lease = open_lease(demo_vm.ExportVm())
    with pytest.raises(ImportError, match=r"nfclease\[progress\]"), lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path, progress=True)
    assert simulator.requests() == []


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
        lease.download_all(tmp_path, progress=True)
    text = shown.getvalue()
    for name in ("disk-1.vmdk", "disk-2.vmdk", "demo-vm.nvram", "total"):
        assert f"{name}: " in text
    assert "5 of 5 files, ended" in text
    assert "all disks hold up to " in text
    assert "%" not in text, "of what is unknown"


def test_lines_where_no_bar_can_move(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("rich", reason="not run: rich is not installed")
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE)
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path, progress=True)
    lines = capfd.readouterr().err.splitlines()
    assert not [line for line in lines if "\r" in line]
    ended = [line for line in lines if line.endswith(", ended")]
    assert len(ended) == 5
    assert [line for line in lines if "MB/s, all disks hold up to " in line]
    assert len(lines) <= 10


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


def closed() -> io.StringIO:
    file = io.StringIO()
    file.close()
    return file


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
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = shown_on(monkeypatch)
    simulator.inject("bandwidth", disk="disk-3.vmdk", bytes_per_second=DISK_SIZE / 3)
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path, progress=True)
    [last] = [line for line in lines_of(shown) if re.match(r"disk-1\.vmdk: .*, ended$", line)]
    [rate] = re.findall(r"([\d.]+) MB/s", last)
    assert float(rate) > DISK_SIZE / 1.5 / 1e6, last


def failing_export(
    open_lease: OpenLease, simulator: Simulator, service: Any, directory: Path, progress: Any
) -> None:
    """All but one disk, which is cut; a size is known of none before its end."""
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE)
    simulator.inject("cut", disk="disk-2.vmdk", after_bytes=DISK_SIZE // 2)
    lease = open_lease(demo_vm_of(service).ExportVm(), max_retries=0)
    with pytest.raises(nfclease.TruncatedError), lease:
        lease.wait_ready(10)
        lease.download_all(directory, progress=progress)


def test_a_failure_is_told(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    seen: list[TransferProgress] = []
    failing_export(open_lease, simulator, service, tmp_path, seen.append)
    [failed] = [snapshot for snapshot in seen if snapshot.failed]
    assert (failed.name, failed.done) == ("disk-2.vmdk", True)


def test_a_failure_is_no_full_bar(
    open_lease: OpenLease,
    simulator: Simulator,
    service: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = shown_on(monkeypatch)
    failing_export(open_lease, simulator, service, tmp_path, True)
    lines = lines_of(shown)
    assert any(re.match(r"disk-2\.vmdk: .*, failed$", line) for line in lines)
    assert not [line for line in lines if re.match(r"(disk-2\.vmdk|total): .*, ended$", line)]
    monkeypatch.setattr(shown, "isatty", lambda: False)
    again = tmp_path / "again"
    again.mkdir()
    failing_export(open_lease, simulator, service, again, True)
    assert re.search(r"^disk-2\.vmdk: .*, failed$", shown.getvalue(), re.MULTILINE)
