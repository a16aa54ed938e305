"""Watches a process with leases from outside: how late it renews, what it holds, how it ends."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from pathlib import Path
from typing import TextIO

from nfclease.simulator import Simulator

from ..soup.faults import Fault
from .renewals import Renewals
from .verdict import Seen

DISK_SIZE = 1 << 20
#: Bytes per second of a stream: a lease lives for a quarter of a minute.
_RATE = 64 << 10
#: Seconds between two looks at which leases the server holds.
_LOOKS = 5

_PROGRESS = "HttpNfcLeaseProgress"
_FAULTS = (
    Fault("cut", 1, {"after_bytes": DISK_SIZE // 3, "how": "reset"}),
    Fault("cut", 1, {"after_bytes": DISK_SIZE // 2, "how": "clean"}),
    Fault("flip", 1, {"offset": DISK_SIZE // 5}),
    Fault("stall", 1, {"after_bytes": DISK_SIZE // 4, "seconds": 2}),
    Fault("stall", 1, {"after_bytes": DISK_SIZE // 4, "seconds": 30}),
    Fault("status", 1, {"code": 503}),
    Fault("status", 1, {"code": 410}),
    Fault("expire", 1, {"after_bytes": DISK_SIZE // 2}),
    Fault("html", 1, {}),
    Fault("drop", 1, {"method": _PROGRESS}),
    Fault("soap_status", 1, {"method": _PROGRESS, "code": 502}),
    Fault("soap_delay", 1, {"method": _PROGRESS, "seconds": 0.5}),
    Fault("drop", 1, {"method": "HttpNfcLeaseComplete", "after": True}),
    Fault("drop", 1, {"method": "HttpNfcLeaseGetManifest"}),
    Fault("soap_fault", 1, {"method": "HttpNfcLeaseComplete"}),
)


class Watch:
    """Puts faults in place while the leases run, and looks at them each second.

    Args:
        simulator: Their server.
        process: Theirs, which says when it is warm.
        notes: What the front writes.
        seed: Of the faults.
    """

    def __init__(
        self, simulator: Simulator, process: subprocess.Popen[str], notes: Path, seed: int
    ) -> None:
        self._simulator, self._process = simulator, process
        self._chance = random.Random(seed)
        self._notes: TextIO = notes.open()
        self._rest = ""
        self.renewals = Renewals()
        self._memory: list[int] = []
        self._peak = 0
        self._rss: int = json.loads(self._line())["rss"]

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self._notes.close()

    def for_minutes(self, minutes: float) -> Seen:
        """Watches so long, and tells of each minute; then lets the leases end."""
        self._simulator.set(bandwidth=_RATE)
        # Each lease was held once before, and one of those may have been slow to go.
        self._learn()
        self.renewals = Renewals()
        assert self._process.stdin is not None
        began = time.monotonic()
        for second in range(round(60 * minutes)):
            time.sleep(max(0.0, began + second + 1 - time.monotonic()))
            if self._process.poll() is not None:
                break
            self._inject()
            self._memory.append(self._status("VmRSS") - self._rss)
            self._peak = self._status("VmHWM") - self._rss
            if second % _LOOKS == 0:
                self._look()
            self._learn()
            if (second + 1) % 60 == 0:
                self._tell()
        self._simulator.clear()
        self._simulator.set(bandwidth=0)
        self._process.stdin.close()
        told = json.loads(self._line())
        status = self._process.wait(60)
        return Seen.of(
            told,
            memory=self._memory,
            peak=self._peak,
            renewed=self.renewals.count,
            late=self.renewals.latest,
            front=self.renewals.front,
            held=self._held(),
            status=status,
        )

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline() or '{"rss": 0, "ends": {}, "strange": ["it ended"]}'

    def _inject(self) -> None:
        """Something goes wrong in one of the leases, about once a second."""
        fault = self._chance.choice(_FAULTS)
        params = dict(fault.params)
        if not fault.method:
            params["disk"] = f"disk-{self._chance.randrange(3)}"
        self._simulator.inject(fault.kind, count=fault.count, **params)

    def _held(self) -> list[str]:
        return [one["moid"] for one in self._simulator.leases() if one["state"] == "ready"]

    def _look(self) -> None:
        before = time.monotonic()
        held = self._held()
        after = time.monotonic()
        self._learn()
        self.renewals.held(held, before, after)

    def _learn(self) -> None:
        lines = (self._rest + self._notes.read()).splitlines(keepends=True)
        self._rest = lines.pop() if lines and not lines[-1].endswith("\n") else ""
        self.renewals.learn(lines)

    def _tell(self) -> None:
        """Says a line; the server forgets what it has noted, and its faults and rate with it."""
        self._simulator.reset()
        self._simulator.set(bandwidth=_RATE)
        threads = self._status("Threads", 1)
        descriptors = len(os.listdir(f"/proc/{self._process.pid}/fd"))
        renewals = self.renewals
        print(
            f"{renewals.count} Progress, the latest of this minute {renewals.recent:.2f} s late; "
            f"{self._memory[-1] / 2**20:.0f} MiB over Python with the libraries; "
            f"{threads} threads, {descriptors} descriptors; load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
        renewals.recent = 0.0

    def _status(self, name: str, unit: int = 1024) -> int:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition(f"{name}:")[2].split()[0]) * unit
