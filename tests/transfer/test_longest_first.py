"""Where more files are to move than may at once, the longest starts first; nothing else changes."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease import TransferProgress
from nfclease.simulator import Simulator

from ..support.differing import FILES, LONGEST_FIRST, SIZES, differing_vm
from ..support.faces import OpenLease
from ..support.imports import import_vm, spec_of
from ..support.inventory import add_disks, find, remove_disk, unique
from ..support.leases import endings
from ..support.packages import package, written
from ..support.waiting import wait_for


@pytest.fixture
def vm(simulator: Simulator, service: Any) -> Any:
    return differing_vm(simulator, service)


def started(simulator: Simulator) -> list[str]:
    """The files that were asked for, in order."""
    return [request["path"].rpartition("/")[2] for request in simulator.requests()]


def reads(simulator: Simulator) -> list[Any]:
    """The calls that asked for the virtual hardware."""
    calls = simulator.calls("RetrievePropertiesEx")
    return [call for call in calls if "config.hardware.device" in call["raw"]]


def names_of(lease: Any) -> list[str]:
    return [device.targetId for device in lease.wait_ready(10).deviceUrl]


def test_downloads(open_lease: OpenLease, simulator: Simulator, vm: Any, tmp_path: Path) -> None:
    """By what each disk can hold; the small files come last."""
    seen: list[TransferProgress] = []
    with open_lease(vm.ExportVm(), max_concurrency=1) as lease:
        names = names_of(lease)
        results = lease.download_all(tmp_path / "out", progress=seen.append)
    assert started(simulator) == [*LONGEST_FIRST, f"{vm.name}.nvram"]
    assert len(reads(simulator)) == 1
    assert names[0] == "disk-0.vmdk"
    assert [result.name for result in results] == names
    assert list(dict.fromkeys(one.name for one in seen)) == names
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_two_at_once(open_lease: OpenLease, simulator: Simulator, vm: Any, tmp_path: Path) -> None:
    with open_lease(vm.ExportVm(), max_concurrency=2) as lease:
        lease.download_all(tmp_path / "out")
    assert {*started(simulator)[:2]} == {*LONGEST_FIRST[:2]}


def test_disks_of_a_vapp(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    """Each VM has disks of the same place, and the last the longest."""
    name = unique("vapp")
    simulator.add_vapp(name, vms=3, disk_size=1 << 20)
    vapp = find(service, vim.VirtualApp, name)
    for machine, size in zip(vapp.vm, (40, 50, 60), strict=True):
        add_disks(machine, size)
    simulator.reset()
    with open_lease(vapp.ExportVApp(), max_concurrency=1) as lease:
        names = names_of(lease)
        lease.download_all(tmp_path / "out")
    assert started(simulator)[:3] == [names[5], names[3], names[1]]
    assert len(reads(simulator)) == 1


def test_all_at_once_ask_for_nothing(
    open_lease: OpenLease, simulator: Simulator, vm: Any, tmp_path: Path
) -> None:
    with open_lease(vm.ExportVm(), max_concurrency=5) as lease:
        assert len(names_of(lease)) == 5
        lease.download_all(tmp_path / "out")
    assert reads(simulator) == []


def test_a_server_that_refuses_to_say(
    open_lease: OpenLease, simulator: Simulator, vm: Any, tmp_path: Path
) -> None:
    with open_lease(vm.ExportVm(), max_concurrency=1) as lease:
        names = names_of(lease)
        simulator.inject("soap_fault", method="RetrieveServiceContent")
        lease.download_all(tmp_path / "out")
    assert started(simulator) == names
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_disk_that_is_not_in_the_hardware_any_more(
    open_lease: OpenLease, simulator: Simulator, vm: Any, tmp_path: Path
) -> None:
    """But in the snapshot: nobody knows how long it is, and all start in their order."""
    vm.CreateSnapshot_Task("before", "", memory=False, quiesce=False)
    wait_for(lambda: vm.snapshot)
    add_disks(vm, 50)
    remove_disk(vm, SIZES[0])
    raw = vm.snapshot.currentSnapshot.ExportSnapshot()
    with open_lease(raw, max_concurrency=1) as lease:
        names = names_of(lease)
        assert "disk-0.vmdk" in names
        lease.download_all(tmp_path / "out")
    assert len(reads(simulator)) == 1
    assert started(simulator) == names


def imported(vm: Any, service: Any) -> tuple[Any, list[Any]]:
    """The lease and the items of an import of `FILES`."""
    members = package(FILES)
    spec = spec_of(service, vm, members["demo.ovf"].decode(), unique("uploaded"))
    return import_vm(vm, spec), list(spec.fileItem)


def lengths(simulator: Simulator) -> list[int]:
    return [request["bytes_received"] for request in simulator.requests()]


def test_uploads(
    open_lease: OpenLease, simulator: Simulator, service: Any, demo_vm: Any, tmp_path: Path
) -> None:
    raw, items = imported(demo_vm, service)
    source = written(tmp_path, package(FILES))
    with open_lease(raw, max_concurrency=1) as lease:
        lease.wait_ready(10)
        results = lease.upload_all(items, source)
    assert lengths(simulator) == sorted(map(len, FILES.values()), reverse=True)
    assert [result.name for result in results] == [item.path for item in items] == list(FILES)


def test_uploads_that_may_be_deltas(
    open_lease: OpenLease, simulator: Simulator, service: Any, demo_vm: Any, tmp_path: Path
) -> None:
    """Nobody can say without a descriptor: they start in the order of the items."""
    raw, items = imported(demo_vm, service)
    source = written(tmp_path, FILES)
    with open_lease(raw, max_concurrency=1) as lease:
        lease.wait_ready(10)
        lease.upload_all(items, source)
    assert lengths(simulator) == [len(data) for data in FILES.values()]


def test_uploads_to_one_device(
    open_lease: OpenLease, simulator: Simulator, service: Any, demo_vm: Any, tmp_path: Path
) -> None:
    """They stay in their order, and the first goes before a longer one that nothing waits for."""
    raw, [first, other, second] = imported(demo_vm, service)
    source = written(tmp_path, package(FILES))
    second.deviceId = first.deviceId
    with open_lease(raw, max_concurrency=1, require_uploads=False) as lease:
        lease.wait_ready(10)
        lease.upload_all([other, first, second], source)
    assert lengths(simulator) == [len(FILES[name]) for name in FILES]
    chain = [one for one in simulator.requests() if first.deviceId in one["disk"]]
    assert all(one["ended"] <= other["started"] for one, other in itertools.pairwise(chain))
