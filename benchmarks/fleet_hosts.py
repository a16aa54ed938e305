"""Simulators as hosts, each in a process of its own, and what they saw of a fleet's run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from nfclease.simulator import Simulator

from .figures import Span
from .scenarios import MIB

#: The variable that has the password of every host; workers inherit it.
VARIABLE = "BENCH_FLEET_PASSWORD"
PASSWORD = "loopback"  # noqa: S105 - it is that of simulators


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


def start() -> Simulator:
    """A host whose leases are ready at once."""
    return Simulator(esx=True, password=PASSWORD, initializing=0, disks=1, disk_size=MIB)
