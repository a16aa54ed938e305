"""The client side: which Python the simulator runs on, and what it needs here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import nfclease
from nfclease.simulator import Simulator, SimulatorError

from .support.calls import wait_until


def test_another_python_than_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = Path(nfclease.__file__).parents[1]
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\necho "$PYTHONPATH" > {tmp_path}/path\nexec {sys.executable} "$@"\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    monkeypatch.setenv("NFCLEASE_SIMULATOR_PYTHON", str(python))
    monkeypatch.setenv("PYTHONPATH", str(package))
    with Simulator(disks=1) as simulator:
        assert simulator.connect().content.about.apiType == "VirtualCenter"
    assert (tmp_path / "path").read_text(encoding="utf-8").strip() == str(package)


def test_the_client_needs_neither_the_server_nor_its_libraries() -> None:
    script = (
        "import sys\n"
        "from nfclease.simulator import Simulator\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'aiohttp', 'trustme', 'cryptography'}, loaded\n"
        "assert 'nfclease.simulator.server' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_why_it_did_not_start() -> None:
    with pytest.raises(
        SimulatorError, match=r"exit status 2\): this pyvmomi .* API version '12.3'"
    ):
        Simulator(api_version="12.3")
    with pytest.raises(SimulatorError, match="unrecognized arguments: --disc-size=1"):
        Simulator(disc_size=1)
    with Simulator(disks=1) as first, pytest.raises(SimulatorError, match="in use"):
        Simulator(port=first.port)


def test_values_that_begin_as_flags_do() -> None:
    with Simulator(disks=1, user="-me", password="-pass word") as simulator:
        assert (simulator.user, simulator.password) == ("-me", "-pass word")
        assert simulator.connect().content.sessionManager.currentSession.userName == "-me"


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "aiohttp.py").write_text("raise ModuleNotFoundError(name='aiohttp')")
    package = str(Path(nfclease.__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), package]))
    monkeypatch.setenv("NFCLEASE_SIMULATOR_PYTHON", sys.executable)  # which takes that as it is
    with pytest.raises(SimulatorError, match=r"aiohttp.*pip install 'nfclease\[simulator\]'"):
        Simulator()
    shown = subprocess.run(
        [sys.executable, "-m", "nfclease.simulator", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "--disk-size" in shown.stdout


def test_one_that_died_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    with Simulator(disks=1) as simulator:
        os.kill(simulator.pid, signal.SIGKILL)
        with pytest.raises(SimulatorError, match="calls: the simulator ended with exit status -9"):
            simulator.calls()
    assert capfd.readouterr().err == ""


def test_it_ends_with_a_parent_that_is_killed() -> None:
    script = (
        "from nfclease.simulator import Simulator\n"
        "simulator = Simulator(disks=1)\n"
        "print(simulator.pid, flush=True)\n"
        "input()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    wait_until(lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # nobody here waits for it
