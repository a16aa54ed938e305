"""A source that cannot be the file that is meant: an error that names it, before it is sent."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import Imported, import_spec, import_vm
from ..support.inventory import unique
from ..support.leases import endings, whole_disk
from ..support.waiting import wait_for

MIB = 1 << 20


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
def test_half_a_disk(
    open_lease: OpenLease, simulator: Simulator, imported: Imported, given: Any
) -> None:
    """The server sums what it got, and its sum agreed."""
    raw, item, path, _ = imported
    data = half(path)
    with pytest.raises(nfclease.SizeMismatchError) as raised, open_lease(raw) as lease:
        lease.wait_ready(10)
        lease.upload(item, given(path, data))
    assert (raised.value.expected, raised.value.actual) == (item.size, len(data))
    assert raised.value.remedy == "fix_input"
    assert "source.vmdk" in str(raised.value)
    assert "verify_size=False" in str(raised.value)
    assert sent(simulator) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("given", GIVEN)
def test_half_a_disk_whose_size_nobody_knows(
    open_lease: OpenLease, simulator: Simulator, imported: Imported, given: Any
) -> None:
    raw, item, path, _ = imported
    item.size, data = None, half(path)
    with (
        pytest.raises(nfclease.DiskFormatError, match="not whole") as raised,
        open_lease(raw) as lease,
    ):
        lease.wait_ready(10)
        lease.upload(item, given(path, data))
    assert "source.vmdk" in str(raised.value)
    # Of a file object only the end can tell, and that is held back.
    assert sum(request["bytes_received"] for request in simulator.requests()) < len(data)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("given", GIVEN)
def test_what_is_no_disk(
    open_lease: OpenLease, simulator: Simulator, imported: Imported, given: Any
) -> None:
    raw, item, path, _ = imported
    item.size = None
    with pytest.raises(nfclease.DiskFormatError, match="<html>"), open_lease(raw) as lease:
        lease.wait_ready(10)
        lease.upload(item, given(path, b"<html>Service Unavailable</html>" * 4000))
    assert sent(simulator) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_who_means_it(open_lease: OpenLease, simulator: Simulator, imported: Imported) -> None:
    raw, item, path, _ = imported
    data = half(path)
    with open_lease(raw, verify_size=False, verify_format=False) as lease:
        lease.wait_ready(10)
        assert lease.upload(item, data).verified == "manifest"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.parametrize("packing", [{"compressionMethod": "gzip"}, {"chunkSize": 4096}])
def test_a_packed_file_has_another_size(
    open_lease: OpenLease,
    imported: Imported,
    packing: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    raw, item, path, _ = imported
    for name, value in packing.items():
        setattr(item, name, value)
    item.size //= 2
    with open_lease(raw) as lease:
        lease.wait_ready(10)
        assert lease.upload(item, path).verified == "manifest"
    assert [record for record in caplog.records if record.levelno == logging.WARNING] == []


@pytest.mark.parametrize("wrong", ["own", "all", "terabyte"])
def test_a_capacity_in_place_of_a_size(
    open_lease: OpenLease,
    service: Any,
    simulator: Simulator,
    imported: Imported,
    wrong: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Some tools write what the disk can hold, or what all of them can."""
    raw, item, path, _ = imported
    with open_lease(raw) as lease:
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


def test_a_name_in_the_log_is_escaped(
    open_lease: OpenLease, imported: Imported, caplog: pytest.LogCaptureFixture
) -> None:
    raw, item, path, _ = imported
    item.path = "disk\x1b[2J.vmdk"
    item.size += 512
    with open_lease(raw, verify_size=False) as lease:
        lease.wait_ready(10)
        lease.upload(item, path)
    [said] = [record.getMessage() for record in caplog.records if record.levelno > logging.INFO]
    assert "\x1b" not in said
    assert "its descriptor says" in said


@pytest.mark.parametrize("size", [100, 99])
def test_a_file_that_is_no_disk(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    service: Any,
    size: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    spec = import_spec(service, demo_vm, unique("file"))
    [item] = [item for item in spec.fileItem if item.path.endswith(".nvram")]
    item.size = 100
    with open_lease(import_vm(demo_vm, spec)) as lease:
        lease.wait_ready(10)
        if size == item.size:
            assert lease.upload(item, b"n" * size).verified == "manifest"
        else:
            with pytest.raises(nfclease.SizeMismatchError):
                lease.upload(item, b"n" * size)
            assert sent(simulator) == []
        lease.close()


def test_a_disk_of_the_wrong_item(
    open_lease: OpenLease, simulator: Simulator, imported: Imported
) -> None:
    raw, item, _, _ = imported
    other = whole_disk(item.size // 2)
    with pytest.raises(nfclease.SizeMismatchError), open_lease(raw) as lease:
        lease.wait_ready(10)
        lease.upload(item, other)
    assert sent(simulator) == []


@pytest.mark.parametrize("how", ["written in place", "replaced"])
def test_a_file_that_is_another_at_its_end(
    open_lease: OpenLease, simulator: Simulator, imported: Imported, how: str
) -> None:
    """Its length is the same, and the server's sum is that of what came."""
    raw, item, path, _ = imported
    with (
        pytest.raises(nfclease.SourceChangedError, match=r"source\.vmdk") as raised,
        open_lease(raw) as lease,
    ):
        lease.wait_ready(10)
        simulator.inject("bandwidth", bytes_per_second=24 * MIB)
        path.write_bytes(whole_disk(24 * MIB))  # more than a reader and sockets hold
        item.size = None
        upload = lease.start_upload(item, path)
        wait_for(simulator.requests)
        if how == "replaced":
            (path.parent / "new").write_bytes(path.read_bytes())
            (path.parent / "new").replace(path)
        else:
            with path.open("r+b") as file:
                file.write(b"KDMV")
        upload.result()
    assert raised.value.remedy == "fix_input"
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
