"""Simulators as hosts, each in a process of its own, and what they saw of a fleet's run."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nfclease.simulator import Simulator

from .figures import Span, most_at_once
from .measure import ENVIRONMENT, ClientFailedError, process_seconds
from .scenarios import MIB, WrongBytesError
from .server import ROOT

#: The variable that has the password of every host; workers inherit it.
VARIABLE = "BENCH_FLEET_PASSWORD"
_PASSWORD = "loopback"  # noqa: S105 - it is that of simulators
#: Seconds between two looks at the client.
_LOOK = 0.05
_LONGEST = 300.0


class Host:
    """A simulated ESXi host.

    Attributes:
        simulator: It.
        sizes: Bytes of the streams of each of its VMs.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.sizes: dict[str, list[int]] = {}

    def session(self) -> dict[str, Any]:
        """What ``SessionFrom`` takes."""
        at = self.simulator
        names = {"host": at.host, "port": at.port, "ca_file": at.ca_file}
        return {**names, "user": at.user, "password_from": VARIABLE}

    def add(self, name: str, count: int, disks: int, size: int) -> None:
        """Makes VMs, which have disks of one length: ``<name>-1`` and so on."""
        self.simulator.add_vms(name, count, disks=disks, disk_size=size)
        files = self.simulator.vm_files(f"{name}-1")
        each = [int(file["size"]) for file in files if file["kind"] == "disk"]
        self.sizes = {f"{name}-{number}": each for number in range(1, count + 1)}

    def seen(self) -> Seen:
        """What it saw since the last reset."""
        at = self.simulator
        ends = at.calls("HttpNfcLeaseComplete") + at.calls("HttpNfcLeaseAbort")
        begins = [call for call in at.calls("ExportVm") if call["result"] == "ok"]
        return Seen(
            requests=[each for each in at.requests() if each["method"] == "GET"],
            begins=[call["t"] for call in begins],
            ends={call["moid"]: call["t"] for call in ends},
            progress=[(call["moid"], call["t"]) for call in at.calls("HttpNfcLeaseProgress")],
        )


@dataclass(frozen=True)
class Seen:
    """What a host saw: times are of a clock that all processes of the machine share."""

    requests: list[dict[str, Any]]
    begins: list[float]
    ends: dict[str, float]
    progress: list[tuple[str, float]]

    def streams(self) -> list[Span]:
        """When each disk was moved."""
        return [(each["started"], each["ended"]) for each in self.requests]

    def sums(self) -> Counter[str]:
        """The digests of what was sent, as the host took them."""
        return Counter(each["sha1"] for each in self.requests if not each["aborted"])

    def leases(self) -> list[Span]:
        """From each ``ExportVm`` to a ``Complete`` or ``Abort``; which is whose does not matter."""
        return list(zip(sorted(self.begins), sorted(self.ends.values()), strict=True))

    def renewals(self) -> dict[str, list[float]]:
        """For each lease its first byte, every Progress, and its end."""
        first: dict[str, float] = {}
        for each in self.requests:
            first[each["lease"]] = min(first.get(each["lease"], each["started"]), each["started"])
        times = {moid: [begin, self.ends[moid]] for moid, begin in first.items()}
        for moid, moment in self.progress:
            times[moid].append(moment)
        return {moid: sorted(each) for moid, each in times.items()}


@dataclass
class Run:
    """One client's run, and what was seen of it from outside."""

    said: dict[str, Any]
    threads: int
    servers_cpu: float
    hosts: list[Seen] = field(repr=False)

    def peak_streams(self) -> int:
        """Disks that one host moved at once, at most."""
        return max(most_at_once(host.streams()) for host in self.hosts)

    def peak_leases(self) -> int:
        """Leases that were open at once on all hosts."""
        return most_at_once([span for host in self.hosts for span in host.leases()])


class Stage:
    """Hosts, and a folder that is emptied after each run.

    Attributes:
        hosts: All that run.
        folder: Where packages and journals go.
    """

    def __init__(self, hosts: list[Host], folder: Path) -> None:
        self.hosts, self.folder = hosts, folder

    def play(
        self,
        hosts: list[Host],
        *,
        per_host: int,
        rate: float = 0,
        executor: str = "threads",
        journal: bool = False,
        **options: Any,
    ) -> Run:
        """One process that exports every VM of these hosts, and every byte compared.

        Args:
            hosts: Some of the stage's, with the VMs that they got last.
            per_host: The cap.
            rate: Bytes per second of each stream; 0 for no limit.
            executor: ``threads``, ``dask`` or ``pauses``.
            journal: Whether the run keeps one.
            **options: Of each job.

        Raises:
            ClientFailedError: It did not export them all.
            WrongBytesError: What arrived is not what was sent.
        """
        for host in hosts:
            host.simulator.reset()
            host.simulator.set(bandwidth=rate)
        out = self.folder / "out"
        jobs = [
            (number, name, str(out / str(number) / "{vm}.ova"))
            for number, host in enumerate(hosts)
            for name in host.sizes
        ]
        order = self.folder / "order.json"
        order.write_text(
            json.dumps(
                {
                    "sessions": [host.session() for host in hosts],
                    "jobs": jobs,
                    "executor": executor,
                    "per_host": per_host,
                    "journal": str(out / "journal") if journal else None,
                    "options": options,
                }
            )
        )
        out.mkdir()
        before = servers_cpu(hosts)
        said, threads = client(order)
        run = Run(said, threads, servers_cpu(hosts) - before, [host.seen() for host in hosts])
        if said["jobs"] != len(jobs):
            raise ClientFailedError(f"{said['jobs']} of {len(jobs)} jobs are done")
        if executor != "pauses":
            compare(run, out)
        shutil.rmtree(out)
        return run


def servers_cpu(hosts: Iterable[Host]) -> float:
    """CPU seconds of the simulators so far."""
    return sum(process_seconds(host.simulator.pid) for host in hosts)


def client(*arguments: Path) -> tuple[dict[str, Any], int]:
    """What one client process said, and how many threads it had at most.

    Raises:
        ClientFailedError: It failed, or does not end.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.clients.fleet", *arguments],
        cwd=ROOT,
        env={**ENVIRONMENT, VARIABLE: _PASSWORD},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    threads, until = 0, time.monotonic() + _LONGEST
    try:
        while process.poll() is None and time.monotonic() < until:
            threads = max(threads, threads_of(process.pid))
            time.sleep(_LOOK)
    finally:
        process.kill()  # of one that has ended, nothing
        out, complaint = process.communicate()
    if process.returncode:
        raise ClientFailedError(f"exit status {process.returncode}: {complaint.strip()[-2000:]}")
    said: dict[str, Any] = json.loads(out)
    return said, threads


def threads_of(pid: int) -> int:
    """How many threads a process has; 0 where it has just ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Threads:")), 0)


def compare(run: Run, out: Path) -> None:
    """Compares the disks in the packages with what the hosts sent: no two streams are alike.

    Raises:
        WrongBytesError: They are not the same.
    """
    for number, host in enumerate(run.hosts):
        got = Counter(sums_of(out / str(number)))
        if got != (sent := host.sums()):
            raise WrongBytesError(
                f"host {number} sent {sent.total()} disks and {got.total()} arrived; "
                f"{(sent - got).total()} were lost, {(got - sent).total()} are others"
            )


def sums_of(folder: Path) -> Iterator[str]:
    """SHA-1 of each disk in the packages of a folder."""
    for path in folder.glob("*.ova"):
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is not None and member.name.endswith(".vmdk"):
                    digest = hashlib.sha1(usedforsecurity=False)
                    while block := file.read(MIB):
                        digest.update(block)
                    yield digest.hexdigest()


@contextmanager
def staged(count: int, folder: Path) -> Iterator[Stage]:
    """So many hosts for a block. They start beside each other."""
    options = {"esx": True, "password": _PASSWORD, "initializing": 0, "disks": 1}

    def start(_: int) -> Simulator:
        return stack.enter_context(Simulator(**options, disk_size=MIB))

    with ExitStack() as stack, ThreadPoolExecutor(count) as pool:
        yield Stage([Host(each) for each in pool.map(start, range(count))], folder)
