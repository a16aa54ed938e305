"""Watches a process with leases from outside: how late it renews, what it holds, how it ends."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from pathlib import Path
from statistics import mean
from typing import Any

from nfclease.simulator import Simulator

from ..soup.recipe import Fault

DISK_SIZE = 1 << 20
#: Bytes per second of a stream: a lease lives for a quarter of a minute.
_RATE = 64 << 10
#: Over Python with the libraries.
MOST_MEMORY = 160 << 20
#: From the second third to the last one.
MOST_GROWTH = 8 << 20
#: Seconds that a Progress may be later than a second after the one before it.
MOST_LATE = 1.0

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
        seed: Of the faults.
    """

    def __init__(self, simulator: Simulator, process: subprocess.Popen[str], seed: int) -> None:
        self._simulator, self._process = simulator, process
        self._chance = random.Random(seed)
        self._last: dict[str, float] = {}
        self._late: list[float] = []
        self._memory: list[int] = []
        self._ended: dict[str, Any] = {}
        self._renewed = 0
        self._rss: int = json.loads(self._line())["rss"]

    def for_minutes(self, minutes: float) -> None:
        """Watches so long, and tells of each minute; then lets the leases end."""
        self._slow()
        assert self._process.stdin is not None
        until, minute = time.monotonic() + 60 * minutes, time.monotonic() + 60
        while time.monotonic() < until:
            self._inject()
            self._memory.append(self._status("VmRSS") - self._rss)
            time.sleep(1)
            if time.monotonic() > minute:
                minute += 60
                self._tell()
        self._tell()
        self._simulator.clear()
        self._simulator.set(bandwidth=0)
        self._process.stdin.close()
        self._ended = json.loads(self._line())
        self._process.wait(60)

    def verdict(self) -> list[str]:
        """What was not kept."""
        missed = list(self._ended["strange"])
        if not self._renewed or max(self._late, default=0.0) > MOST_LATE:
            missed.append(f"a Progress was {max(self._late, default=0.0):.2f} s late")
        if max(self._memory) > MOST_MEMORY:
            missed.append(f"it held {max(self._memory) >> 20} MiB, not {MOST_MEMORY >> 20}")
        third = len(self._memory) // 3
        grown = mean(self._memory[-third:]) - mean(self._memory[third:-third])
        if grown > MOST_GROWTH:
            missed.append(f"it grew by {grown / 2**20:.1f} MiB in its last third")
        held = [one for one in self._simulator.leases() if one["state"] == "ready"]
        if held:
            missed.append(f"{len(held)} leases are still held")
        if not self._ended["ends"].get("verified"):
            missed.append("no lease was verified")
        ends = ", ".join(f"{how} {often}" for how, often in self._ended["ends"].items())
        print(f"ends: {ends}; grew by {grown / 2**20:.1f} MiB in its last third")
        if self._process.returncode:
            missed.append(f"its process ended with {self._process.returncode}")
        return missed

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline() or '{"rss": 0, "ends": {}, "strange": ["it ended"]}'

    def _slow(self) -> None:
        self._simulator.set(bandwidth=_RATE)

    def _inject(self) -> None:
        """Something goes wrong in one of the leases, about once a second."""
        fault = self._chance.choice(_FAULTS)
        params = dict(fault.params)
        if not fault.method:
            params["disk"] = f"disk-{self._chance.randrange(3)}"
        self._simulator.inject(fault.kind, count=fault.count, **params)

    def _tell(self) -> None:
        """Reads how late the renewals were, which the server forgets then, and says a line."""
        calls = self._simulator.calls(_PROGRESS)
        self._simulator.reset()
        self._slow()
        late = []
        for call in calls:
            moid, at = call["moid"], call["t"]
            late.append(at - self._last.get(moid, at) - 1.0)
            self._last[moid] = at
        self._late += late
        self._renewed += len(calls)
        threads = self._status("Threads", 1)
        descriptors = len(os.listdir(f"/proc/{self._process.pid}/fd"))
        print(
            f"{len(calls)} Progress, the latest {max(late, default=0.0):.2f} s late; "
            f"{self._memory[-1] / 2**20:.0f} MiB over Python with the libraries; "
            f"{threads} threads, {descriptors} descriptors; load {os.getloadavg()[0]:.1f}",
            flush=True,
        )

    def _status(self, name: str, unit: int = 1024) -> int:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition(f"{name}:")[2].split()[0]) * unit
