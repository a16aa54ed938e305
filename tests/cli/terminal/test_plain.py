"""Where nothing can be drawn again: lines, and not one escape sequence."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from nfclease.simulator import Simulator

from ...support.command import Command
from .conftest import InTerminal

VM = "/DC0/vm/demo-vm"
NAMES = ("disk-1.vmdk", "disk-2.vmdk", "disk-3.vmdk", "demo-vm.nvram")
#: Of a file that has ended, in a log.
ENDED = r"^{}: [\d.,]+ [kM]B, [\d.]+ MB/s, ended$"


@pytest.fixture
def without_rich(tmp_path: Path) -> str:
    """A ``PYTHONPATH`` on which rich is not installed."""
    folder = tmp_path / "without"
    folder.mkdir()
    (folder / "rich.py").write_text("raise ImportError('not here')\n")
    return os.pathsep.join([str(folder), *filter(None, sys.path)])


def assert_lines(text: str) -> None:
    """A line for each file that has ended, and nothing that draws."""
    assert not re.search("[━╸╺\x1b\r]", text), text
    for name in NAMES:
        assert len(re.findall(ENDED.format(re.escape(name)), text, re.M)) == 1, text


def test_a_pipe_and_no_terminal_at_all(nfclease: Command, tmp_path: Path) -> None:
    """Progress in lines on standard error, one line of result on standard output."""
    path = tmp_path / "demo-vm.ova"
    done = nfclease("export", VM, "-o", path, start_new_session=True)
    assert done.code == 0, done.stderr
    pytest.importorskip("rich", reason="not run: rich is not installed")
    assert_lines(done.stderr)
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith(f"{path}: 4 files, ")
    assert "\x1b" not in done.stdout


def test_without_the_library_that_draws(
    nfclease: Command, in_terminal: InTerminal, tmp_path: Path, without_rich: str
) -> None:
    env = {"PYTHONPATH": without_rich}
    done = nfclease("export", VM, "-o", tmp_path / "pipe.ova", env=env)
    assert done.code == 0, done.stderr
    assert_lines(done.stderr)
    window = in_terminal("export", VM, "-o", tmp_path / "terminal.ova", env=env)
    code, screen = window.ended()
    assert code == 0, screen
    assert_lines(screen)


def test_a_dumb_terminal(in_terminal: InTerminal, tmp_path: Path) -> None:
    pytest.importorskip("rich", reason="not run: rich is not installed")
    window = in_terminal("export", VM, "-o", tmp_path / "demo-vm.ova", env={"TERM": "dumb"})
    code, screen = window.ended()
    assert code == 0, screen
    assert_lines(screen)


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("colour", [True, False])
def test_no_colour(
    in_terminal: InTerminal, simulator: Simulator, tmp_path: Path, colour: bool
) -> None:
    """``NO_COLOR`` leaves the bars and takes their colours."""
    pytest.importorskip("rich", reason="not run: rich is not installed")
    env = {} if colour else {"NO_COLOR": "1"}
    window = in_terminal("export", VM, "-o", tmp_path / "demo-vm.ova", env=env)
    shown = window.until("━", colours=True)
    assert ("\x1b[38;5;" in shown) is colour
    simulator.clear()
    code, screen = window.ended()
    assert code == 0, screen


def test_quiet_says_nothing_but_errors(
    nfclease: Command, simulator: Simulator, tmp_path: Path
) -> None:
    done = nfclease("export", VM, "-o", tmp_path / "demo-vm.ova", "--quiet")
    assert done == (0, "", "")
    simulator.inject("status", disk="disk-2.vmdk", code=403)
    done = nfclease("export", VM, "-o", tmp_path / "other.ova", "-q")
    assert (done.code, done.stdout) == (1, "")
    assert 1 <= done.stderr.count("\n") <= 3
    assert all(line.startswith("nfclease: ") for line in done.stderr.splitlines()[:1])


def test_verbose_once_and_twice(nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
    """Decisions, then calls as well; never what is secret."""
    seen = []
    for number, option in enumerate(("-v", "-vv")):
        path = tmp_path / f"{number}.ova"
        done = nfclease("export", VM, "-o", path, option)
        assert done.code == 0, done.stderr
        seen.append(done.stderr)
        assert simulator.password not in done.stderr
        assert not re.search(r"vmware_soap_session|ticket=|/nfc/", done.stderr)
    assert "nfclease: logged in as " in seen[0]
    assert "ExportVm" not in seen[0]
    assert "ExportVm" in seen[1]


def test_a_standard_error_that_is_closed(nfclease: Command, tmp_path: Path) -> None:
    """Nobody reads the lines, and the job is done all the same."""
    done = nfclease("export", VM, "-o", tmp_path / "demo-vm.ova", preexec_fn=lambda: os.close(2))
    assert done.code == 0
    assert done.stdout.count("\n") == 1
    assert (tmp_path / "demo-vm.ova").is_file()
