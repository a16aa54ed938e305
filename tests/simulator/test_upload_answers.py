"""What hosts differ in: the status of an upload, chunked bodies, the type of a disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nfclease.simulator import Simulator
from nfclease.simulator.inventory.vmdk import StreamOptimizedDisk

from .support.calls import manifest, request, wait_until
from .support.imports import CREATE, VMDK, open_import, url_of

STREAM = b"".join(StreamOptimizedDisk(1 << 20).chunks())
OCTETS = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def urls(service: Any) -> Iterator[tuple[Any, Any, Any]]:
    """The lease, the URL of a disk and that of another file."""
    lease, items = open_import(service, "answers")
    disk = url_of(lease, next(item for item in items if not item.create))
    other = url_of(lease, next(item for item in items if item.create))
    yield lease, disk, other
    lease.Abort()


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_status_for_all(simulator: Simulator, urls: Any, status: int) -> None:
    _, disk, other = urls
    simulator.set(upload_status=status)
    assert request("POST", disk.url, STREAM, VMDK)[0].status == status
    assert request("PUT", other.url, b"1", CREATE)[0].status == status
    simulator.set(upload_status=0)
    assert request("POST", disk.url, STREAM, VMDK)[0].status == 200
    assert request("PUT", other.url, b"1", CREATE)[0].status == 201


def test_chunked(simulator: Simulator, urls: Any) -> None:
    lease, disk, _ = urls
    pieces = [STREAM[:100], STREAM[100:]]
    assert request("POST", disk.url, iter(pieces), VMDK)[0].status == 500
    simulator.set(chunked_uploads=True)
    assert request("POST", disk.url, iter(pieces), VMDK)[0].status == 200
    assert manifest(lease)[disk.key].size == len(STREAM)
    simulator.reset()
    assert request("POST", disk.url, iter(pieces), VMDK)[0].status == 500


def test_a_fault_that_is_cleared_holds_nothing_later(simulator: Simulator, urls: Any) -> None:
    """It was taken before, and comes to its place afterwards."""
    _, disk, _ = urls
    simulator.set(chunked_uploads=True)
    simulator.inject("stall", method="POST", after_bytes=len(STREAM) // 2)

    def pieces() -> Iterator[bytes]:
        yield STREAM[:100]
        wait_until(lambda: any(one["bytes_received"] for one in simulator.requests()))
        simulator.clear()
        yield STREAM[100:]

    assert request("POST", disk.url, pieces(), VMDK)[0].status == 200


def test_a_disk_as_octets(simulator: Simulator, urls: Any) -> None:
    _, disk, _ = urls
    assert request("POST", disk.url, STREAM, OCTETS)[0].status == 500
    simulator.set(octet_stream=True)
    assert request("POST", disk.url, STREAM, OCTETS)[0].status == 200


def test_from_the_command_line(service: Any) -> None:
    with Simulator(
        disk_size="1m", upload_status=201, chunked_uploads=True, octet_stream=True
    ) as own:
        lease, items = open_import(own.connect(), "answers")
        disk = url_of(lease, next(item for item in items if not item.create))
        assert request("POST", disk.url, iter([STREAM]), OCTETS)[0].status == 201


def test_a_page_after_the_whole_upload(simulator: Simulator, urls: Any) -> None:
    lease, disk, _ = urls
    simulator.inject("html", method="POST", after=True, count=1)
    response, body = request("POST", disk.url, STREAM, VMDK)
    assert (response.status, response.getheader("Content-Type")) == (
        200,
        "text/html; charset=utf-8",
    )
    assert b"<html>" in body
    assert manifest(lease) == {}
    assert simulator.requests()[-1]["bytes_received"] == len(STREAM)


def test_a_knob_that_is_none(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="no knob speed"):
        simulator.set(speed=1)
