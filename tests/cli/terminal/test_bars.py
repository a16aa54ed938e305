"""Bars in a real terminal: what moves, what stays, and that nothing else is left behind."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from nfclease.simulator import Simulator

from ...support.command import Command
from ...support.packages import ova, package, stream_disk
from ...support.tmux import Tmux
from ...support.waiting import wait_for
from .conftest import InTerminal, masked

pytest.importorskip("rich", reason="not run: rich is not installed")

COLUMNS = [100, 60, 30]
VM = "/DC0/vm/demo-vm"
#: The rows of three disks that wait, as they are shown at each width.
MOVING = {
    100: "total = # MB # MB/s 1 of 4 files, all disks hold up to # MB",
    60: "total # MB # MB/s 1 of 4 files",
    30: "total # MB",
}
DISKS = {
    100: "disk-{} = # MB # MB/s",
    60: "disk-{} # MB # MB/s",
    30: "disk-{} # MB",
}


def moving(window: Tmux, count: int) -> str:
    """The screen when so many disks have moved a MiB, and none of them a byte more."""
    return window.until(
        lambda shown: len(re.findall(r"^\S+\.vmdk .*1\.0 MB", shown, re.M)) == count
    )


def assert_clean(screen: str, columns: int) -> None:
    """No bar is left, no ^C, no row of a file that moves, and no escape sequence."""
    assert not re.search("[━╸╺]", screen), screen
    assert "^C" not in screen
    for line in screen.splitlines():
        assert not re.match(r"(total|\S+\.vmdk) ", line), screen
        assert len(line) <= columns
    assert "\x1b" not in screen


def stays(screen: str) -> str:
    """The lines that stay, those that a narrow terminal has wrapped joined."""
    return re.sub(r"\s+", "", screen)


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.usefixtures("held")
def test_an_export(
    in_terminal: InTerminal, simulator: Simulator, tmp_path: Path, columns: int
) -> None:
    window = in_terminal("export", VM, "-o", tmp_path / "demo-vm.ova", columns=columns)
    rows = [MOVING[columns], *(DISKS[columns].format(f"{number}.vmdk") for number in (1, 2, 3))]
    # The nvram has a row, too, until it has ended.
    window.until(lambda shown: masked(shown).splitlines()[-4:] == rows)
    simulator.clear()
    code, screen = window.ended()
    assert code == 0, screen
    assert_clean(screen, columns)
    for name in ("demo-vm.nvram", *(f"disk-{number}.vmdk" for number in (1, 2, 3))):
        assert len(re.findall(rf"{name}:[\d.]+[kM]B,[\d.]+MB/s,ended", stays(screen))) == 1
    assert re.search(r"total:[\d.]+MB,[\d.]+MB/s,4of4files,ended", stays(screen))
    last = stays(screen).rpartition(",ended")[2]
    assert last.startswith(stays(str(tmp_path / "demo-vm.ova")))


@pytest.mark.parametrize("columns", [60])
@pytest.mark.usefixtures("held")
def test_an_export_that_is_interrupted(
    in_terminal: InTerminal, simulator: Simulator, tmp_path: Path, columns: int
) -> None:
    """The keyboard's Ctrl-C: the bars go, what was broken off says so, and then one line."""
    window = in_terminal("export", VM, "-o", tmp_path / "demo-vm.ova", columns=columns)
    moving(window, 3)
    window.press("C-c")
    code, screen = window.ended()
    assert code == 130
    assert_clean(screen, columns)
    # Without its rate, where it has stood still for long.
    stopped = r"disk-\d\.vmdk:1\.0MB,(?:[\d.]+MB/s,)?stopped"
    assert len(re.findall(stopped, stays(screen))) == 3
    assert stays(screen).count("nfclease:") == 1
    assert len(simulator.calls("HttpNfcLeaseAbort")) == 1
    assert [*tmp_path.iterdir()] == []


@pytest.mark.usefixtures("held")
def test_a_terminal_that_is_closed(
    in_terminal: InTerminal, simulator: Simulator, tmp_path: Path
) -> None:
    """The window goes, with all that could be written to: a SIGHUP, and the same clean-up."""
    path = tmp_path / "packages" / "demo-vm.ova"
    path.parent.mkdir()
    window = in_terminal("export", VM, "-o", path)
    moving(window, 3)
    window.close()
    wait_for(lambda: simulator.calls("Logout"), 60)
    assert len(simulator.calls("HttpNfcLeaseAbort")) == 1
    assert [*path.parent.iterdir()] == []


@pytest.mark.parametrize("columns", [30])
def test_an_export_that_fails(
    in_terminal: InTerminal, simulator: Simulator, tmp_path: Path, columns: int
) -> None:
    """Which file, what it was, and what to do, below the lines of what moved."""
    simulator.inject("status", disk="disk-2.vmdk", code=403)
    window = in_terminal("export", VM, "-o", tmp_path / "demo-vm.ova", columns=columns)
    code, screen = window.ended()
    assert code == 1
    assert_clean(screen, columns)
    assert re.search(r"disk-2\.vmdk:.*?failed", stays(screen))
    assert "nfclease:disk-2.vmdk" in stays(screen)
    assert "403" in stays(screen)
    assert "Traceback" not in screen
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("columns", [100])
def test_a_log_line_stands_between_bars(
    in_terminal: InTerminal, simulator: Simulator, tmp_path: Path, columns: int
) -> None:
    """A disk that is repeated while another waits: the line goes above the rows, whole, once."""
    simulator.inject("stall", disk="disk-1.vmdk", after_bytes=1 << 20)
    simulator.inject("cut", disk="disk-3.vmdk", after_bytes=1 << 20, count=1)
    window = in_terminal("export", VM, "-o", tmp_path / "demo-vm.ova", "-v", columns=columns)
    row_below = re.compile(r"disk-3\.vmdk at.*^disk-1\.vmdk ", re.M | re.S)
    window.until(lambda shown: "disk-3.vmdk:" in shown and row_below.search(shown))
    simulator.clear()
    code, screen = window.ended()
    assert code == 0, screen
    assert_clean(screen, columns)
    assert stays(screen).count("thestreamendedearly") == 1
    assert re.search(r"disk-3\.vmdk:[\d.]+MB,[\d.]+MB/s,attempt2,ended", stays(screen))


@pytest.fixture
def exported(nfclease: Command, tmp_path: Path) -> Path:
    path = tmp_path / "demo-vm.ova"
    done = nfclease("export", VM, "-o", path, "--quiet")
    assert done.code == 0, done.stderr
    return path


@pytest.mark.parametrize(("columns", "way"), [(60, "success"), (30, "interrupt")])
def test_an_import(
    in_terminal: InTerminal, simulator: Simulator, exported: Path, columns: int, way: str
) -> None:
    simulator.reset()
    simulator.inject("stall", method="POST", after_bytes=1 << 20)
    name = f"imported-{columns}-{way}"
    pool = ["--pool", "/DC0/host/Cluster/Resources", "--datastore", "datastore1"]
    window = in_terminal("import", exported, *pool, "--name", name, columns=columns)
    window.until(lambda shown: re.search(r"^\S*\.vmdk +.*\d MB", shown, re.M))
    if way == "interrupt":
        window.press("C-c")
    else:
        simulator.clear()
    code, screen = window.ended()
    assert code == (130 if way == "interrupt" else 0), screen
    assert_clean(screen, columns)
    assert len(simulator.calls("HttpNfcLeaseAbort")) == (way == "interrupt")
    if way == "success":
        assert name in stays(screen)
        assert simulator.vm_files(name)


@pytest.mark.parametrize(("columns", "way"), [(100, "success"), (60, "failure"), (30, "interrupt")])
def test_a_verification(in_terminal: InTerminal, tmp_path: Path, columns: int, way: str) -> None:
    """Of an archive that comes by a pipe, of which the test holds the second half."""
    disk = stream_disk(grains=4096)
    members = package({"disk-1.vmdk": disk, "disk-2.vmdk": stream_disk(seed=2)})
    if way == "failure":
        members["disk-1.vmdk"] = disk[:1_500_000] + b"!" + disk[1_500_001:]
    archive = ova(members)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    window = in_terminal("verify", "-", stdin=str(pipe), columns=columns)
    with pipe.open("wb") as file:
        file.write(archive[: 1 << 20])
        file.flush()
        screen = window.until(lambda shown: re.search(r"^disk-1\.vmdk .*MB", shown, re.M))
        assert "disk-2.vmdk" not in screen
        if way == "interrupt":
            window.press("C-c")
            window.ended()
        else:
            file.write(archive[1 << 20 :])
    code, screen = window.ended()
    assert code == {"success": 0, "failure": 3, "interrupt": 130}[way], screen
    assert_clean(screen, columns)
    if way == "failure":
        assert "disk-1.vmdk:itssha256is" in stays(screen)
        assert "NOTwhole,1problem,2rightsums(sha256)" in stays(screen)
    elif way == "success":
        assert "standardinput:whole,3rightsums(sha256),3files" in stays(screen)


def test_an_inventory_name_that_is_hostile(in_terminal: InTerminal, tmp_path: Path) -> None:
    """What a package says is shown, not obeyed."""
    path = tmp_path / "odd.ova"
    path.write_bytes(ova(package(name="a&#x202e;b", sections="<!-- -->")))
    window = in_terminal("inspect", path, columns=60)
    code, screen = window.ended()
    assert code == 0, screen
    assert "\u202e" not in screen
    assert "a\\u202eb" in screen
