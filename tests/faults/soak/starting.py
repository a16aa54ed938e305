"""The processes of a soak: the server, what stands before it, and the leases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from nfclease.simulator import Simulator

from ..harness.runner import ROOT
from .front import HOST
from .watching import DISK_SIZE, Watch

#: The server is not judged, and leaves the processors to what is.
_YIELDS = 5


@contextmanager
def watched(leases: int, seed: int) -> Iterator[Watch]:
    """So many leases under way, and who watches them; all processes end with the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nfclease-soak-")))
        simulator = stack.enter_context(Simulator(disk_size=DISK_SIZE, disks=1, initializing=0.1))
        os.setpriority(os.PRIO_PROCESS, simulator.pid, _YIELDS)
        simulator.add_vms("soak", leases, disks=3, disk_size=DISK_SIZE)
        front = _started(stack, "front", str(simulator.port), str(simulator.ca_file), str(folder))
        assert front.stdout is not None
        about: dict[str, Any] = json.loads(front.stdout.readline())
        vcenter, disks = folder / "vcenter.json", folder / "disks"
        who = {"user": simulator.user, "pwd": simulator.password, "host": HOST}
        vcenter.write_text(json.dumps({**who, "port": about["port"], "ca_file": about["ca_file"]}))
        disks.mkdir()
        process = _started(stack, "leases", str(vcenter), str(disks), str(leases))
        watch = Watch(simulator, process, Path(about["notes"]), seed)
        stack.enter_context(watch)
        yield watch


def _started(stack: ExitStack, module: str, *arguments: str) -> subprocess.Popen[str]:
    """A process that ends with its input."""
    command = [sys.executable, "-m", f"tests.faults.soak.{module}", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout is not None
    process.stdout.close()
