"""Runs one client process and says what it cost."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .server import ROOT

# A proxy of the environment would come between a client and the loopback.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


class ClientFailedError(RuntimeError):
    """A client ended with an error, or without a result."""


class Serving(Protocol):
    """What a client speaks to."""

    def cpu_seconds(self) -> float:
        """What it has cost so far."""


@dataclass
class Cost:
    """One run. CPU seconds are user + system."""

    wall: float  # of the transfer, by the client's own clock
    cpu: float  # of the transfer: the whole process less its start-up
    startup_cpu: float  # interpreter and imports
    peak_mib: float
    startup_mib: float  # of which were there before the first byte
    server_cpu: float
    foreign_cpu: float  # what all other processes of the machine used meanwhile
    files: list[dict[str, Any]]


def run(command: list[str], server: Serving) -> Cost:
    """Runs the command to its end."""
    machine, serving, own = _busy_seconds(), server.cpu_seconds(), _own_seconds()
    process = subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        out, complaint = process.stdout.read(), process.stderr.read()
    # wait4 gives the usage of this child alone, where RUSAGE_CHILDREN adds up all of them.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    machine = _busy_seconds() - machine
    serving, own = server.cpu_seconds() - serving, _own_seconds() - own
    if process.returncode:
        raise ClientFailedError(f"{Path(command[0]).name}: {complaint.decode().strip()}")
    said: dict[str, Any] = json.loads(out)
    whole = usage.ru_utime + usage.ru_stime
    startup = said["startup"]["cpu_user"] + said["startup"]["cpu_sys"]
    return Cost(
        wall=said["seconds"],
        cpu=whole - startup,
        startup_cpu=startup,
        peak_mib=said["total"]["peak_kib"] / 1024,
        startup_mib=said["startup"]["peak_kib"] / 1024,
        server_cpu=serving,
        foreign_cpu=max(0.0, machine - whole - serving - own),
        files=said["files"],
    )


def sha1_of(path: Path) -> str:
    """The SHA-1 of a file."""
    return digest_of(path, "sha1")


def digest_of(path: Path, algorithm: str) -> str:
    """A digest of a file, for which no memory is kept."""
    digest = hashlib.new(algorithm)
    with path.open("rb", buffering=0) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _busy_seconds() -> float:
    """CPU seconds that the machine has not been idle (/proc/stat: all but idle and iowait)."""
    first = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, first)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def process_seconds(pid: int) -> float:
    """CPU seconds of another process so far: utime and stime, fields 14 and 15 of its stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system
