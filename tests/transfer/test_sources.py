"""A source that cannot be the file that is meant: an error that names it, before it is sent."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

from ..conftest import endings, find, unique, whole_disk
from .test_stall import import_lease

BOTH_FACES = True

MIB = 1 << 20


@pytest.fixture
def imported(service: Any, simulator: Simulator, tmp_path: Path) -> Any:
    """An import of one disk, with its item and its file."""
    raw, item, path = import_lease(service, tmp_path, unique("checked"))
    simulator.reset()
    return raw, item, path


def half(path: Path) -> bytes:
    data = path.read_bytes()
    return data[: len(data) // 2]


def sent(simulator: Simulator) -> list[Any]:
    return [request for request in simulator.requests() if request["bytes_received"]]


GIVEN = [
    pytest.param(lambda path, data: data, id="bytes"),
    pytest.param(lambda path, data: path.write_bytes(data) and path, id="path"),
    pytest.param(lambda path, data: io.BytesIO(data), id="file object"),
]


@pytest.mark.parametrize("given", GIVEN)
def test_half_a_disk(simulator: Simulator, imported: Any, given: Any) -> None:
    """The server sums what it got, and its sum agreed."""
    raw, item, path = imported
    data = half(path)
    with pytest.raises(nfclease.SizeMismatchError) as raised, HttpNfcLease(raw) as lease:
        lease.wait_ready(10)
        lease.upload(item, given(path, data))
    assert (raised.value.expected, raised.value.actual) == (item.size, len(data))
    assert "source.vmdk" in str(raised.value)
    assert "verify_size=False" in str(raised.value)
    assert sent(simulator) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("given", GIVEN)
def test_half_a_disk_whose_size_nobody_knows(
    simulator: Simulator, imported: Any, given: Any
) -> None:
    raw, item, path = imported
    item.size, data = None, half(path)
    with (
        pytest.raises(nfclease.DiskFormatError, match="not whole") as raised,
        HttpNfcLease(raw) as lease,
    ):
        lease.wait_ready(10)
        lease.upload(item, given(path, data))
    assert "source.vmdk" in str(raised.value)
    # Of a file object only the end can tell, and that is held back.
    assert sum(request["bytes_received"] for request in simulator.requests()) < len(data)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("given", GIVEN)
def test_what_is_no_disk(simulator: Simulator, imported: Any, given: Any) -> None:
    raw, item, path = imported
    item.size = None
    with pytest.raises(nfclease.DiskFormatError, match="<html>"), HttpNfcLease(raw) as lease:
        lease.wait_ready(10)
        lease.upload(item, given(path, b"<html>Service Unavailable</html>" * 4000))
    assert sent(simulator) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_who_means_it(simulator: Simulator, imported: Any) -> None:
    raw, item, path = imported
    data = half(path)
    with HttpNfcLease(raw, verify_size=False, verify_format=False) as lease:
        lease.wait_ready(10)
        assert lease.upload(item, data).verified == "manifest"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.parametrize("packing", [{"compressionMethod": "gzip"}, {"chunkSize": 4096}])
def test_a_packed_file_has_another_size(
    imported: Any, packing: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    raw, item, path = imported
    for name, value in packing.items():
        setattr(item, name, value)
    item.size //= 2
    with HttpNfcLease(raw) as lease:
        lease.wait_ready(10)
        assert lease.upload(item, path).verified == "manifest"
    assert [record for record in caplog.records if record.levelno == logging.WARNING] == []


@pytest.mark.parametrize("wrong", ["own", "all", "terabyte"])
def test_a_capacity_in_place_of_a_size(
    service: Any, simulator: Simulator, imported: Any, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Some tools write what the disk can hold, or what all of them can."""
    raw, item, path = imported
    with HttpNfcLease(raw) as lease:
        total = lease.wait_ready(10).totalDiskCapacityInKB << 10
        own = int.from_bytes(path.read_bytes()[12:20], "little") * 512
        item.size = {"own": own, "all": total, "terabyte": MIB * MIB}[wrong]
        assert lease.upload(item, path).verified == "manifest"
    [said] = [record.getMessage() for record in caplog.records if record.levelno > logging.INFO]
    assert said.startswith("source.vmdk at ")
    assert said.endswith(
        f"its descriptor says {item.size} bytes, the source has {path.stat().st_size}"
    )
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_name_in_the_log_is_escaped(imported: Any, caplog: pytest.LogCaptureFixture) -> None:
    raw, item, path = imported
    item.path = "disk\x1b[2J.vmdk"
    item.size += 512
    with HttpNfcLease(raw, verify_size=False) as lease:
        lease.wait_ready(10)
        lease.upload(item, path)
    [said] = [record.getMessage() for record in caplog.records if record.levelno > logging.INFO]
    assert "\x1b" not in said
    assert "its descriptor says" in said


@pytest.mark.parametrize("size", [100, 99])
def test_a_file_that_is_no_disk(
    simulator: Simulator, service: Any, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    manager, vm = service.content.ovfManager, find(service, vim.VirtualMachine, "demo-vm")
    described = manager.CreateDescriptor(vm, vim.OvfManager.CreateDescriptorParams(name="x"))
    params = vim.OvfManager.CreateImportSpecParams(entityName=unique("file"))
    spec = manager.CreateImportSpec(
        described.ovfDescriptor, vm.resourcePool, vm.datastore[0], params
    )
    [item] = [item for item in spec.fileItem if item.path.endswith(".nvram")]
    item.size = 100
    with HttpNfcLease(vm.resourcePool.ImportVApp(spec.importSpec, vm.parent)) as lease:
        lease.wait_ready(10)
        if size == item.size:
            assert lease.upload(item, b"n" * size).verified == "manifest"
        else:
            with pytest.raises(nfclease.SizeMismatchError):
                lease.upload(item, b"n" * size)
            assert sent(simulator) == []
        lease.close()


def test_a_disk_of_the_wrong_item(simulator: Simulator, imported: Any) -> None:
    raw, item, _ = imported
    other = whole_disk(item.size // 2)
    with pytest.raises(nfclease.SizeMismatchError), HttpNfcLease(raw) as lease:
        lease.wait_ready(10)
        lease.upload(item, other)
    assert sent(simulator) == []
