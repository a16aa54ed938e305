"""An import's bytes are kept: the new VM can be exported again as it came."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nfclease.simulator import Simulator
from nfclease.simulator.inventory.stored import MOST, Stored, StoredDisk
from nfclease.simulator.inventory.vmdk import StreamOptimizedDisk

from .support.calls import disks, get, manifest, ready, request, wait_for_task
from .support.imports import CREATE, VMDK, open_import, url_of

_SMALL = 1 << 20
_IDS = re.compile(rb'(?<=\nCID=)\w{8}|(?<=[0-9a-f]{24})[0-9a-f]{8}(?="\n)')


def stream(seed: int, size: int = _SMALL) -> bytes:
    return b"".join(StreamOptimizedDisk(size, seed=seed).chunks())


def content(data: bytes) -> bytes:
    """A disk without the ids that differ in each export."""
    return _IDS.sub(b"-" * 8, data)


def imported(service: Any, name: str, size: int = _SMALL) -> tuple[Any, dict[str, bytes]]:
    """A VM whose disks, image and nvram were sent, and what was sent by the names in its export."""
    lease, items = open_import(service, name)
    sent = {}
    for number, item in enumerate(items):
        data = f"file {number}".encode() * 100 if item.create else stream(number, size)
        method, headers = ("PUT", CREATE) if item.create else ("POST", VMDK)
        assert request(method, url_of(lease, item).url, data, headers)[0].status in (200, 201)
        key = item.deviceId.rpartition("/")[2]
        sent[key] = data
    vm = lease.info.entity
    lease.Complete()
    return vm, sent


@pytest.mark.parametrize("stable", [False, True])
def test_what_came_goes_out_again(simulator: Simulator, service: Any, stable: bool) -> None:
    simulator.set(stable_streams=stable)
    vm, sent = imported(service, f"kept-{stable}")
    lease = ready(vm.ExportVm())
    received = {url.key.rpartition("/")[2]: get(url.url) for url in lease.info.deviceUrl}
    assert received.keys() == sent.keys()
    assert {key: content(data) for key, data in received.items()} == {
        key: content(data) for key, data in sent.items()
    }
    [first, *_] = disks(lease)
    assert (get(first.url) == received[first.key.rpartition("/")[2]]) == stable
    entry = manifest(lease)[first.key]
    assert entry.populatedSize == StreamOptimizedDisk(_SMALL).populated_size
    lease.Complete()
    simulator.set(stable_streams=False)
    wait_for_task(vm.Destroy_Task())


def test_a_flipped_byte_is_kept_too(simulator: Simulator, service: Any) -> None:
    lease, items = open_import(service, "flipped")
    item = next(item for item in items if not item.create)
    simulator.inject("flip", method="POST", offset=500_000)
    data = stream(1)
    assert request("POST", url_of(lease, item).url, data, VMDK)[0].status == 200
    simulator.clear()
    vm = lease.info.entity
    lease.Complete()
    again = ready(vm.ExportVm())
    key = item.deviceId.rpartition("/")[2]
    [url] = [url for url in again.info.deviceUrl if url.key.endswith(f"/{key}")]
    seen = content(get(url.url))
    assert seen[:500_000] == content(data)[:500_000]
    assert seen[500_000] == data[500_000] ^ 255
    again.Complete()


def test_large_ones_are_not_kept() -> None:
    stored = Stored()
    for _ in range(3):
        stored.write(bytes(MOST // 2))
    assert not stored.whole
    assert stored.size == MOST // 2 * 3


def test_markers_that_lead_nowhere_are_not_followed() -> None:
    head = bytearray(stream(1)[:1024])
    head[64:72] = (1).to_bytes(8, "little")
    head[512:528] = (1 << 63).to_bytes(8, "little") + bytes(4) + b"\1" + bytes(3)
    stored = Stored()
    stored.write(bytes(head))
    assert StoredDisk(stored, 1 << 20).populated_size == 0
