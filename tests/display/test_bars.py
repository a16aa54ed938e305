"""What a terminal shows while bars move, judged by an emulator of one. On both faces."""

from __future__ import annotations

import logging
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from nfclease import HttpNfcLease, NfcError
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.inventory import DISK_SIZE
from ..support.screens import rows, terminal, text_of
from .conftest import ExportShown

pytest.importorskip("rich", reason="not run: rich is not installed")

NAMES = ("disk-0.iso", "disk-1.vmdk", "disk-2.vmdk", "disk-3.vmdk", "demo-vm.nvram")


def slow_down(simulator: Simulator) -> None:
    """The small files end at once, the disks one after the other."""
    for number in (1, 2, 3):
        simulator.inject(
            "bandwidth", disk=f"disk-{number}.vmdk", bytes_per_second=2 * DISK_SIZE / (number + 1)
        )


@pytest.mark.parametrize("columns", [100, 60, 30])
def test_small_files_end_before_big_ones(
    export_shown: ExportShown,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    """Each file has one place on the screen at any time, and one line that stays."""
    slow_down(simulator)
    with terminal(monkeypatch, columns) as screens:
        export_shown()
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
    export_shown: ExportShown,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow_down(simulator)
    with terminal(monkeypatch, 100, lines=5) as screens:
        export_shown()
    assert [screen for screen in screens if "more that move" in text_of(screen)]
    for screen in screens:
        if "more that move" in text_of(screen):
            assert "total" in rows(screen)


def test_what_waits_has_no_bar(
    export_shown: ExportShown,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And its rate is that of the time in which it moves."""
    simulator.inject("bandwidth", disk=".vmdk", bytes_per_second=2 * DISK_SIZE)
    with terminal(monkeypatch, 100) as screens:
        export_shown(max_concurrency=1)
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
