"""What a terminal shows while bars move, judged by an emulator of one. On both faces."""

from __future__ import annotations

import fcntl
import itertools
import logging
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nfclease import HttpNfcLease, NfcError
from nfclease._display.screen import SCREEN
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.inventory import DISK_SIZE

pyte = pytest.importorskip("pyte", reason="not run: pyte is not installed")
pytest.importorskip("rich", reason="not run: rich is not installed")


#: Seconds without output after which the screen is as it was meant.
QUIET = 0.03
NAMES = ("disk-0.iso", "disk-1.vmdk", "disk-2.vmdk", "disk-3.vmdk", "demo-vm.nvram")


class Screens:
    """A terminal: what stands on it now, and what stood on it whenever it was still."""

    def __init__(self, columns: int, lines: int) -> None:
        self.master, self.slave = pty.openpty()
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, size)
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._seen: list[list[str]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        moved = True
        while True:
            ended = self._ended.is_set()
            if select.select([self.master], [], [], QUIET)[0]:
                self._stream.feed(os.read(self.master, 65536))
                moved = True
            elif moved:
                self._seen.append(list(self._screen.display))
                moved = False
            elif ended:
                return

    def close(self) -> list[list[str]]:
        """All of them, the last one last."""
        self._ended.set()
        self._thread.join()
        os.close(self.master)
        return self._seen


@contextmanager
def terminal(
    monkeypatch: pytest.MonkeyPatch, columns: int, lines: int = 40
) -> Iterator[list[list[str]]]:
    """Standard error is a terminal of this size; its screens are there after the block."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", str(lines))
    there = Screens(columns, lines)
    seen: list[list[str]] = []
    file = os.fdopen(there.slave, "w", buffering=1, encoding="utf-8")
    with file, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", file)
        try:
            yield seen
        finally:
            seen += there.close()


def text_of(screen: list[str]) -> str:
    """All of it, lines that were wrapped joined."""
    return "".join(screen)


def rows(screen: list[str]) -> list[str]:
    """The first word of each line but those of files that have ended."""
    return [line.split()[0] for line in screen if line.strip() and ":" not in line.split()[0]]


def slow_down(simulator: Simulator) -> None:
    """The small files end at once, the disks one after the other."""
    for number in (1, 2, 3):
        simulator.inject(
            "bandwidth", disk=f"disk-{number}.vmdk", bytes_per_second=2 * DISK_SIZE / (number + 1)
        )


@pytest.mark.parametrize("columns", [100, 60, 30])
def test_small_files_end_before_big_ones(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    """Each file has one place on the screen at any time, and one line that stays."""
    slow_down(simulator)
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        with terminal(monkeypatch, columns) as screens:
            lease.download_all(tmp_path, progress=True)
    moving = 0
    for screen in screens[:-1]:
        for name in NAMES:
            assert text_of(screen).count(name) <= 1, "\n".join(screen)
        shown = [word for word in rows(screen) if word == "total" or word in NAMES]
        moving += "disk-3.vmdk" in shown
        assert shown == sorted(shown, key=("total", *NAMES).index), "the total first"
    assert moving >= 2
    last = text_of(screens[-1])
    for name in NAMES:
        assert len(re.findall(rf"{re.escape(name)}: [\d.]+ [kM]B, [\d.]+ MB/s, ended", last)) == 1
    assert re.search(r"total: [\d.]+ [kM]B, [\d.]+ MB/s, 5 of 5 files, ended *$", last)
    assert last.count("ended") == 6
    assert len(re.sub(r"\s+", " ", last)) < 400, "nothing else is left"


def test_the_total_is_shown_on_a_low_screen(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow_down(simulator)
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        with terminal(monkeypatch, 100, lines=5) as screens:
            lease.download_all(tmp_path, progress=True)
    assert [screen for screen in screens if "more that move" in text_of(screen)]
    for screen in screens:
        if "more that move" in text_of(screen):
            assert "total" in rows(screen)


def test_what_waits_has_no_bar(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And its rate is that of the time in which it moves."""
    simulator.inject("bandwidth", disk=".vmdk", bytes_per_second=2 * DISK_SIZE)
    with open_lease(demo_vm.ExportVm(), max_concurrency=1) as lease:
        lease.wait_ready(10)
        with terminal(monkeypatch, 100) as screens:
            lease.download_all(tmp_path, progress=True)
    for screen in screens:
        assert len([word for word in rows(screen) if word in NAMES]) <= 1
    rates = re.findall(r"disk-\d\.vmdk: [\d.]+ MB, ([\d.]+) MB/s, ended", text_of(screens[-1]))
    assert len(rates) == 3
    assert min(map(float, rates)) > DISK_SIZE / 1e6


def test_what_is_logged_goes_above(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whole, once, by the handler that the script has; and a retry is seen in the bar."""
    slow_down(simulator)
    simulator.inject("cut", disk="disk-3.vmdk", after_bytes=DISK_SIZE // 2, count=1)
    logger = logging.getLogger("nfclease")
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        with terminal(monkeypatch, 100) as screens:
            file = sys.stderr
            handler = logging.StreamHandler(file)
            logger.addHandler(handler)
            try:
                lease.download_all(tmp_path, progress=True)
                assert sys.stderr is file
                assert handler.stream is file
            finally:
                logger.removeHandler(handler)
    last = re.sub(r"\s+", " ", text_of(screens[-1]))
    assert len(re.findall(r"disk-3\.vmdk at \S+ \(\S+\): the stream ended early", last)) == 1
    assert [
        line
        for screen in screens
        for line in screen
        if line.startswith("disk-3.vmdk ") and "attempt 2" in line
    ]
    assert "attempt 2, ended" in last


def test_two_exports_at_once(
    demo_vm: Any, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share the bottom of the screen."""
    slow_down(simulator)
    leases = [HttpNfcLease(demo_vm.ExportVm()) for _ in range(2)]
    paths = [tmp_path / "one", tmp_path / "two"]
    errors: list[BaseException] = []
    both = threading.Barrier(2)

    def run(raw: Any, path: Path) -> None:
        try:
            with raw as lease:
                lease.wait_ready(10)
                both.wait(10)
                lease.download_all(path, progress=True)
        except BaseException as error:
            errors.append(error)

    with terminal(monkeypatch, 100) as screens:
        threads = [
            threading.Thread(target=run, args=pair) for pair in zip(leases, paths, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    assert [screen for screen in screens if rows(screen).count("total") == 2]
    assert text_of(screens[-1]).count("5 of 5 files, ended") == 2
    assert text_of(screens[-1]).count("ended") == 12


def test_after_a_failure(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What failed and what was broken off say so; no bar stays."""
    slow_down(simulator)
    simulator.inject("cut", disk="disk-2.vmdk", after_bytes=DISK_SIZE // 2)
    lease = open_lease(demo_vm.ExportVm(), max_retries=0)
    with pytest.raises(NfcError), lease:
        lease.wait_ready(10)
        with terminal(monkeypatch, 60) as screens:
            lease.download_all(tmp_path, progress=True)
    last = text_of(screens[-1])
    assert re.search(r"disk-2\.vmdk: [\d.]+ [kM]B, [\d.]+ MB/s, failed", last)
    assert re.search(r"disk-3\.vmdk: [\d.]+ [kM]B, [\d.]+ MB/s, stopped", last)
    assert re.search(r"total: [\d.]+ [kM]B, [\d.]+ MB/s, \d of 5 files, stopped *$", last)
    assert not rows(screens[-1])


SCRIPT = """
import sys
from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

with Simulator(disk_size="3m", initializing=0.05) as simulator:
    simulator.inject("stall", disk=".vmdk", after_bytes=1 << 20)
    service = simulator.connect()
    vm = service.content.searchIndex.FindByInventoryPath("DC0/vm/demo-vm")
    try:
        with HttpNfcLease(vm.ExportVm()) as lease:
            lease.wait_ready(10)
            lease.download_all(sys.argv[1], progress=True)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
"""


def test_ctrl_c_on_the_keyboard(tmp_path: Path) -> None:
    """The terminal's ^C lands on a line of its own, and goes with the bars."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        os.execv(sys.executable, [sys.executable, "-W", "ignore", "-c", SCRIPT, str(tmp_path)])
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    screen = pyte.Screen(80, 24)
    stream = pyte.ByteStream(screen)
    pressed = False
    seen = []
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:  # the end, on Linux
            break
        if not data:
            break
        stream.feed(data)
        seen.append(list(screen.display))
        if not pressed and sum("1.0 MB" in line for line in screen.display) >= 3:
            pressed = True
            os.write(master, b"\x03")
    os.close(master)
    assert os.waitpid(pid, 0)[1] == 0
    lines = [line.rstrip() for line in screen.display if line.strip()]
    assert pressed
    assert lines[-1] == "interrupted"
    assert not [line for line in lines if "^C" in line]
    stopped = {line.partition(":")[0] for line in lines if line.endswith(", stopped")}
    assert stopped >= {"disk-1.vmdk", "disk-2.vmdk", "disk-3.vmdk", "total"}
    for shown in seen:
        for line in shown:
            assert "^C" not in line or line.strip() == "^C", line


PRESSED = """
import signal, sys, termios, time
from rich.text import Text
from nfclease._display.screen import SCREEN

def rows(width, lines):
    return [Text("moves " * 12, "red on blue") for _ in range(18)]

signal.signal(signal.SIGINT, signal.SIG_IGN)
before = termios.tcgetattr(2)
SCREEN.add(rows)
end = time.monotonic() + 3
for number in range(1_000_000):
    if time.monotonic() > end:
        break
    for name in "abc":
        SCREEN.above(f"{name}{number}: 65.5 kB, 1.3 MB/s, ended")
    SCREEN.refresh()
SCREEN.remove(rows)
sys.exit(termios.tcgetattr(2) != before)
"""


def test_ctrl_c_while_it_is_drawn() -> None:
    """The driver shows ^C between two parts of one write, and drops what is on its way then.

    No line that stays has it, and none is lost.
    """
    pid, master = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        os.execv(sys.executable, [sys.executable, "-W", "ignore", "-c", PRESSED])
    screen = pyte.HistoryScreen(80, 24, history=1_000_000)
    stream = pyte.ByteStream(screen)
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:  # the end, on Linux
            break
        if not data:
            break
        if b"moves" in data:  # once for each part of a frame
            os.write(master, b"\x03")
        stream.feed(data)
    os.close(master)
    assert os.waitpid(pid, 0)[1] == 0
    past = [
        "".join(line[column].data for column in range(80)).rstrip() for line in screen.history.top
    ]
    assert past
    names = (f"{name}{number}" for number in itertools.count() for name in "abc")
    assert past == [
        f"{name}: 65.5 kB, 1.3 MB/s, ended" for name in itertools.islice(names, len(past))
    ]


def test_an_interrupt_waits_for_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what rich has not forgotten yet comes twice, or what is to stay is lost."""
    presses = iter([0, 1, 0, 2])

    def rows(width: int, lines: int) -> list[Any]:
        for _ in range(next(presses, 0)):
            signal.raise_signal(signal.SIGINT)
            drawn.append(True)
        return []

    drawn: list[bool] = []
    with terminal(monkeypatch, 80) as screens:
        SCREEN.add(rows)
        SCREEN.refresh()
        SCREEN.above("disk-0.iso: ended")
        with pytest.raises(KeyboardInterrupt):
            SCREEN.refresh()
        assert drawn == [True]
        SCREEN.refresh()
        with pytest.raises(KeyboardInterrupt):  # the second of two at once
            SCREEN.refresh()
        assert drawn == [True, True]
        SCREEN.remove(rows)
    assert text_of(screens[-1]).count("disk-0.iso: ended") == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
