"""What ``support.proxying`` starts ends with it, on every way out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SERVE = """
import sys, time
from pathlib import Path
from tests.support.proxying import running_proxy
with running_proxy(Path(sys.argv[1])) as proxy:
    print(proxy.port, flush=True)
    if sys.argv[2] == "raises":
        raise ValueError
    time.sleep(60)
"""
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/cmdline").exists(), reason="looks into /proc for processes"
)


def running(mark: str) -> list[int]:
    """The processes with a text in their command lines."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:  # has ended meanwhile
            continue
    return [pid for pid in found if pid != os.getpid()]


@pytest.mark.parametrize("way", ["killed", "terminated", "raises"])
def test_no_process_stays(tmp_path: Path, way: str) -> None:
    command = [sys.executable, "-c", _SERVE, str(tmp_path), way]
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": paths},
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline().strip().isdigit()
        if way == "killed":
            assert len(running(str(tmp_path))) >= 3  # the owner, the proxy, what that has started
            owner.kill()
        elif way == "terminated":
            owner.terminate()
        owner.wait(60)
    deadline = time.monotonic() + 30
    while left := running(str(tmp_path)):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
