"""Ctrl-C while bars are on the screen: no line that stays has its ^C, and none is lost."""

from __future__ import annotations

import itertools
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from nfclease._display.screen import SCREEN

from ..support.screens import pyte, terminal, text_of, written_by

pytest.importorskip("rich", reason="not run: rich is not installed")

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
    screen = pyte.Screen(80, 24)
    stream = pyte.ByteStream(screen)
    pressed = False
    seen = []
    for keyboard, data in written_by(SCRIPT, str(tmp_path)):
        stream.feed(data)
        seen.append(list(screen.display))
        if not pressed and sum("1.0 MB" in line for line in screen.display) >= 3:
            pressed = True
            os.write(keyboard, b"\x03")
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
    screen = pyte.HistoryScreen(80, 24, history=1_000_000)
    stream = pyte.ByteStream(screen)
    for keyboard, data in written_by(PRESSED):
        if b"moves" in data:  # once for each part of a frame
            os.write(keyboard, b"\x03")
        stream.feed(data)
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
