"""Exports that show how far they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest

import nfclease
from nfclease import TransferResult
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.inventory import DISK_SIZE, demo_vm_of


class ExportShown(Protocol):
    """Exports all of the demo VM with `progress=True`; the options are the lease's."""

    def __call__(self, **options: Any) -> list[TransferResult]: ...


class FailingExport(Protocol):
    """Exports all but one disk, which is cut; a size is known of none before its end."""

    def __call__(self, directory: Path, progress: Any) -> None: ...


@pytest.fixture
def export_shown(open_lease: OpenLease, demo_vm: Any, tmp_path: Path) -> ExportShown:
    def export_shown(**options: Any) -> list[TransferResult]:
        with open_lease(demo_vm.ExportVm(), **options) as lease:
            lease.wait_ready(10)
            results: list[TransferResult] = lease.download_all(tmp_path, progress=True)
        return results

    return export_shown


@pytest.fixture
def failing_export(open_lease: OpenLease, simulator: Simulator, service: Any) -> FailingExport:
    def failing_export(directory: Path, progress: Any) -> None:
        simulator.inject("bandwidth", bytes_per_second=DISK_SIZE)
        simulator.inject("cut", disk="disk-2.vmdk", after_bytes=DISK_SIZE // 2)
        lease = open_lease(demo_vm_of(service).ExportVm(), max_retries=0)
        with pytest.raises(nfclease.TruncatedError), lease:
            lease.wait_ready(10)
            lease.download_all(directory, progress=progress)

    return failing_export
