"""What tests want of a lease: its disk, and the calls for it that the server saw."""

from __future__ import annotations

from typing import Any

from nfclease.simulator import Simulator
from nfclease.simulator.inventory.vmdk import StreamOptimizedDisk

from .inventory import DISK_SIZE, demo_vm_of


def disk_of(lease: Any) -> Any:
    """The first disk of a lease, once it is ready."""
    return next(url for url in lease.wait_ready(10).deviceUrl if url.disk)


def slow_lease(simulator: Simulator, service: Any, seconds: float) -> Any:
    """The plain lease of a VM whose disks take this long."""
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / seconds)
    return demo_vm_of(service).ExportVm()


def whole_disk(size: int = 70_000) -> bytes:
    """The stream of a disk that is whole, of about this size."""
    return b"".join(StreamOptimizedDisk(size).chunks())


def methods(simulator: Simulator, *names: str) -> list[str]:
    """The lease calls that the server saw, in order, without those of the keep-alive."""
    wanted = names or (
        "HttpNfcLeaseComplete",
        "HttpNfcLeaseAbort",
        "HttpNfcLeaseGetManifest",
    )
    return [call["method"] for call in simulator.calls() if call["method"] in wanted]


def endings(simulator: Simulator) -> list[str]:
    """Completes and Aborts, in order."""
    return methods(simulator, "HttpNfcLeaseComplete", "HttpNfcLeaseAbort")
