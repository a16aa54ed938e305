"""The client side: which Python the simulator runs on, and what it needs here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nfclease
from nfclease.simulator import Simulator


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
