"""The example notebooks, executed from the first cell to the last."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nfclease.simulator import Simulator

from ..support.leases import endings

pytest.importorskip("nbmake", reason="not run: nbmake is not installed")
NOTEBOOKS = Path(__file__).parents[2] / "examples" / "notebooks"
#: The import takes what the export has left.
ORDER = ("export", "import", "asyncio", "appliance")


def test_they_run(simulator: Simulator, tmp_path: Path) -> None:
    assert sorted(ORDER) == sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
    for name in ORDER:
        source = (NOTEBOOKS / f"{name}.ipynb").read_bytes()
        (tmp_path / f"{name}.ipynb").write_bytes(source)
    environment = {
        **os.environ,
        "GOVC_URL": simulator.url,
        "GOVC_USERNAME": simulator.user,
        "GOVC_PASSWORD": simulator.password,
        "GOVC_TLS_CA_CERTS": str(simulator.ca_file),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    command = ["-m", "pytest", "--nbmake", "-p", "no:cacheprovider", "-q", "--rootdir=."]
    done = subprocess.run(
        [sys.executable, *command, *(f"{name}.ipynb" for name in ORDER)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert endings(simulator) == ["HttpNfcLeaseComplete"] * 6


@pytest.mark.parametrize("name", ORDER)
def test_they_are_kept_without_output(name: str) -> None:
    text = (NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8")
    assert '"output_type"' not in text
