"""A target that is slow holds up its own download: not the others, and not in memory."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.failing_calls import run_failing, trace_of, traced
from ..support.inventory import find, unique
from ..support.leases import endings
from ..support.waiting import wait_for

#: Far more than the buffers of a connection hold, those of both systems and ours.
SIZE = 96 << 20
MOST_AHEAD = 48 << 20

SUPPORT = Path(__file__).parent.parent / "support"
#: Disks that end at the same moment, and threads that a process may have then on any machine: those
#: of the engine, which are 8 at most, and 24.
AT_ONCE, MOST_THREADS = 64, 32


class Stuck(io.RawIOBase):
    """It takes nothing until the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.is_entered, self.goes_on = threading.Event(), threading.Event()
        self.taken = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.is_entered.set()
        assert self.goes_on.wait(100)
        self.taken += len(data)
        return len(data)


@pytest.mark.timeout(110)
def test_three_that_are_stuck(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    """More than the engine has threads where it has fewest; a fourth ends, whole, meanwhile."""
    name = unique("slow")
    simulator.add_vm(name, disks=4, disk_size=SIZE, nvram=False)
    vm = find(service, vim.VirtualMachine, name)
    targets = [Stuck() for _ in range(3)]
    with open_lease(vm.ExportVm()) as lease:
        *slow, quick = lease.wait_ready(10).deviceUrl
        held = [lease.start_download(*pair) for pair in zip(slow, targets, strict=True)]
        try:
            assert all(target.is_entered.wait(30) for target in targets)
            result = lease.download(quick, tmp_path / "quick")
            assert result.bytes > SIZE * 0.9
            assert result.verified == "manifest"
            assert not any(transfer.done() for transfer in held)
            sent = {
                request["path"].rpartition("/")[2]: request["bytes_sent"]
                for request in simulator.requests()
            }
            ahead = [sent[device.targetId] for device in slow]
            assert max(ahead) < MOST_AHEAD, ahead
        finally:
            for target in targets:
                target.goes_on.set()
        results = [transfer.result(60) for transfer in held]
    assert [each.bytes for each in results] == [target.taken for target in targets]
    assert {each.verified for each in results} == {"manifest"}
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@traced
@pytest.mark.timeout(150)
def test_two_on_a_slow_disk(simulator: Simulator, service: Any, tmp_path: Path) -> None:
    """They have all threads of the engine; a third one, to a quick disk, does not wait for them."""
    name = unique("slow")
    simulator.add_vm(name, disks=3, disk_size=16 << 20, nvram=False)
    strace = ["strace", "-f", "-qq", "-o", str(tmp_path / "trace"), "-e", "trace=write"]
    strace += ["-e", "inject=write:delay_enter=30000"]
    for slow in ("slow-1", "slow-2"):
        strace += ["-P", str(tmp_path / f"{slow}.part")]
    names = ("host", "port", "user", "password", "ca_file")
    session = [str(getattr(simulator, each)) for each in names]
    script = [sys.executable, str(SUPPORT / "download_beside.py"), *session, name, str(tmp_path)]
    done = subprocess.run([*strace, *script], capture_output=True, text=True, timeout=140)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["verified"] == ["manifest"] * 3
    assert max(said["shares"]) < 0.5


@traced
@pytest.mark.timeout(150)
def test_many_that_end_at_once_take_few_threads(
    simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    """Each of them waits for its disk at its end, and has no thread of its own for that."""
    name = unique("many")
    simulator.add_vm(name, disks=AT_ONCE, disk_size=1000, nvram=False)
    simulator.inject("stall", disk=".vmdk", after_bytes=100)
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync"]
    strace += ["-e", "inject=fsync:delay_enter=100000"]
    names = ("host", "port", "user", "password", "ca_file")
    session = [str(getattr(simulator, each)) for each in names]
    script = [sys.executable, str(SUPPORT / "ending_at_once.py"), *session, name, str(tmp_path)]
    with subprocess.Popen([*strace, *script], stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_for(lambda: moving(simulator) >= AT_ONCE, 60)
        finally:
            simulator.clear()
        out, _ = process.communicate(timeout=100)
    assert process.returncode == 0
    said = json.loads(out)
    assert said["verified"] == ["manifest"] * AT_ONCE
    assert said["most"] <= MOST_THREADS, said["most"]


def moving(simulator: Simulator) -> int:
    """How many requests are under way."""
    return sum(each["ended"] is None for each in simulator.requests())


@traced
def test_the_disk_is_written_while_it_comes(tmp_path: Path) -> None:
    """By the system: it would begin with much more, and the end would wait for all of that."""
    target = tmp_path / "out" / "disk.vmdk"
    target.parent.mkdir()
    with Simulator(disk_size="40m") as simulator:
        ended = run_failing("disk", simulator, target, "fadvise64")
    assert ended.said["verified"] == "manifest", ended.said
    advice = r"fadvise64\(\d+, (\d+), (\d+), POSIX_FADV_DONTNEED"
    begun = 0
    for start, length in re.findall(advice, trace_of(target).read_text()):
        assert int(start) == begun
        begun += int(length)
    size = target.stat().st_size
    assert size - (9 << 20) < begun <= size
