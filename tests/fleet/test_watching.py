"""What a run shows with `progress=True`: on a terminal, in a notebook, in a log."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from nfclease import fleet
from nfclease.simulator import Simulator

from ..support.inventory import unique
from ..support.kernels import Kernel
from ..support.screens import pyte, rows, terminal, text_of, written_by

pytest.importorskip("rich", reason="not run: rich is not installed")

CELL = """
from nfclease import fleet

fleet.register_session("lab", lambda: service)
jobs = [fleet.ExportJob("lab", vm, {directory!r} + "/{{vm}}.ova") for vm in {vms!r}]
fleet.run(jobs, progress=True, per_host=2, check=False)
"""

SCRIPT = """
import signal, sys
from nfclease import fleet
from nfclease.simulator import Simulator

signal.signal(signal.SIGINT, signal.default_int_handler)
with Simulator(disk_size="3m", initializing=0.05) as simulator:
    simulator.inject("stall", disk=".vmdk", after_bytes=1 << 20)
    fleet.register_session("lab", simulator.connect)
    try:
        fleet.run([fleet.ExportJob("lab", "demo-vm", sys.argv[1] + "/{vm}.ova")], progress=True)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
"""


@pytest.fixture
def vms(simulator: Simulator) -> list[str]:
    """Four VMs of a disk that takes a while."""
    names = [unique("web") for _ in range(4)]
    for name in names:
        simulator.add_vm(name, disks=1, disk_size=1 << 20)
    simulator.inject("bandwidth", disk=".vmdk", bytes_per_second=1 << 20)
    return names


def jobs(lab: str, vms: list[str], directory: Path) -> list[fleet.ExportJob]:
    return [fleet.ExportJob(lab, vm, f"{directory}/{{vm}}.ova") for vm in [*vms, "gone"]]


@pytest.mark.parametrize("columns", [100, 60, 30])
def test_a_terminal(
    lab: str, vms: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    with terminal(monkeypatch, columns) as screens:
        summary = fleet.run(jobs(lab, vms, tmp_path), progress=True, per_host=2, check=False)
    assert len(summary.done) == 4
    moving = [screen for screen in screens if "total" in rows(screen)]
    assert [screen for screen in moving if "esx-1" in rows(screen)]
    if columns >= 60:
        assert [screen for screen in moving if "2 wait, 2 of 2 disks" in text_of(screen)]
    last = text_of(screens[-1])
    for vm in vms:
        assert last.count(f"{vm}: done") == 1
    assert "gone: failed (never)" in last
    assert "total: 5 of 5 jobs, 1 failed" in last
    assert "left" not in last
    assert "esx-1" not in rows(screens[-1])


def test_hosts_of_one_name_are_told_apart_and_a_failed_attempt_has_a_line(
    simulator: Simulator,
    second: Simulator,
    lab: str,
    vms: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = unique("web")
    second.add_vm(other, disks=1, disk_size=1 << 20)
    second.inject("bandwidth", bytes_per_second=1 << 19)
    simulator.inject("drop", method="ExportVm", count=1)
    work = [
        fleet.ExportJob(lab, vms[0], f"{tmp_path}/{{vm}}.ova"),
        fleet.ExportJob("second", other, f"{tmp_path}/{{vm}}.ova"),
    ]
    with terminal(monkeypatch, 60) as screens:
        summary = fleet.run(work, progress=True, retry_delay=0.1)
    assert len(summary.done) == 2
    seen = {row for screen in screens for row in rows(screen)}
    assert {"lab/esx-1", "second/esx-1"} <= seen
    assert text_of(screens[-1]).count("tried again in 0 s") == 1


def test_ctrl_c_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    screen = pyte.Screen(80, 24)
    stream = pyte.ByteStream(screen)
    pressed = False
    for keyboard, data in written_by(SCRIPT, str(tmp_path)):
        stream.feed(data)
        if not pressed and "MB/s" in text_of(screen.display) and "esx-1" in rows(screen.display):
            pressed = True
            os.write(keyboard, b"\x03")
    lines = [line.rstrip() for line in screen.display if line.strip()]
    assert pressed
    assert lines[-1] == "interrupted"
    assert [line for line in lines if line.startswith("total: 1 of 1 jobs")]
    assert "demo-vm: cancelled" in lines
    assert not screen.cursor.hidden
    assert not [line for line in lines if "^C" in line or line.startswith("esx-1")]


def test_a_pipe(
    lab: str, vms: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fleet.run(jobs(lab, vms, tmp_path), progress=True, per_host=2, check=False)
    lines = capfd.readouterr().err.splitlines()
    for vm in vms:
        assert len([line for line in lines if line.startswith(f"{vm}: started")]) == 1
        assert len([line for line in lines if line.startswith(f"{vm}: done")]) == 1
    assert lines[-1].startswith("total: 5 of 5 jobs, 1 failed")


def test_a_log_that_is_full_ends_no_run(
    lab: str, vms: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        summary = fleet.run(jobs(lab, vms, tmp_path), progress=True, check=False)
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())  # what is buffered has a place
    assert len(summary.done) == 4


def test_what_cannot_show_anything_is_refused_before_a_call(
    simulator: Simulator, lab: str, tmp_path: Path
) -> None:
    wrong: Any = "yes"
    with pytest.raises(TypeError, match="progress must be True, None or a callable"):
        fleet.run(jobs(lab, [], tmp_path), progress=wrong)
    assert not simulator.calls("Login")


def test_a_notebook(simulator: Simulator, vms: list[str], tmp_path: Path) -> None:
    kernel = Kernel(simulator)
    try:
        message = kernel.execute(CELL.format(directory=str(tmp_path), vms=vms))
        kinds = ("display_data", "update_display_data")
        shown = [
            each["content"]["data"]["text/html"]
            for each in kernel.outputs(message)
            if each["msg_type"] in kinds
        ]
    finally:
        kernel.stop()
    assert len(list(tmp_path.glob("*.ova"))) == 4
    assert [html for html in shown if "esx-1" in html and vms[0] in html]
    assert "4 of 4 jobs" in shown[-1]
    assert "esx-1" not in shown[-1]
