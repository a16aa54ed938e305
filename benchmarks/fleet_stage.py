"""Where a fleet's run is measured: hosts, a client process, and every byte compared."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .figures import most_at_once
from .fleet_hosts import PASSWORD, VARIABLE, Host, Seen, start
from .measure import ENVIRONMENT, ClientFailedError, process_seconds
from .scenarios import MIB, WrongBytesError
from .server import ROOT

#: Seconds between two looks at the client.
_LOOK = 0.05
_LONGEST = 300.0


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
    threads, until = 0, time.monotonic() + _LONGEST
    # Files, for nobody reads a pipe while it runs.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as complaint:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.clients.fleet", *arguments],
            cwd=ROOT,
            env={**ENVIRONMENT, VARIABLE: PASSWORD},
            stdout=out,
            stderr=complaint,
        )
        try:
            while process.poll() is None and time.monotonic() < until:
                threads = max(threads, threads_of(process.pid))
                time.sleep(_LOOK)
        finally:
            process.kill()  # where it has ended, that does nothing
            process.wait()
        out.seek(0)
        complaint.seek(0)
        if process.returncode:
            said_last = complaint.read().strip()[-2000:]
            raise ClientFailedError(f"exit status {process.returncode}: {said_last}")
        said: dict[str, Any] = json.load(out)
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
    with ExitStack() as stack, ThreadPoolExecutor(count) as pool:
        hosts = pool.map(lambda _: stack.enter_context(start()), range(count))
        yield Stage([Host(each) for each in hosts], folder)
