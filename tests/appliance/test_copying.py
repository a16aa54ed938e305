"""``copy_vm`` between two servers: the bytes, the spool, and the ways out."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

import nfclease
from nfclease.simulator import Simulator
from nfclease.simulator.inventory.devices import ISO_SIZE

from ..support.copying import Copying, Site
from ..support.importing import calls_of, vm_names
from ..support.inventory import DISK_SIZE, connected, demo_vm_of, find, unique
from ..support.leases import endings


@pytest.fixture(scope="module")
def shared_target() -> Iterator[Simulator]:
    with Simulator(disk_size=1 << 20, disks=1, initializing=0.05) as simulator:
        yield simulator


@pytest.fixture
def target(shared_target: Simulator) -> Iterator[Site]:
    shared_target.reset()
    for service in connected(shared_target):
        yield Site(shared_target, service, demo_vm_of(service))


@pytest.fixture
def copied(
    face: str,
    simulator: Simulator,
    service: Any,
    demo_vm: Any,
    target: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Copying:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Copying(face, Site(simulator, service, demo_vm), target, tmp_path)


def sums(simulator: Simulator, *methods: str) -> list[str]:
    """Of the files that a server sent or received, as it computed them."""
    return sorted(each["sha1"] for each in simulator.requests() if each["method"] in methods)


def disks_of(vm: Any) -> list[int]:
    kind = vim.vm.device.VirtualDisk
    return [each.capacityInKB for each in vm.config.hardware.device if isinstance(each, kind)]


def test_the_same_bytes_at_both_ends(copied: Copying) -> None:
    result = copied(name=unique("copied"))
    source, target = copied.source, copied.target
    assert [file.verified for file in result.files] == ["manifest"] * 4
    assert [file.disk for file in result.files].count(True) == 3
    sent = sums(source.simulator, "GET")
    assert sorted(file.checksum for file in result.files) == sent
    assert sums(target.simulator, "POST", "PUT") == sent
    assert result.bytes == sum(file.size for file in result.files) > 3 * DISK_SIZE
    made = find(target.service, vim.VirtualMachine, result.name)
    assert made == result.entity
    assert disks_of(made) == disks_of(source.vm)
    assert result.notes == result.warnings == ()
    for site in (source, target):
        assert endings(site.simulator) == ["HttpNfcLeaseComplete"]
    assert copied.spooled() == []


def test_what_it_is_called_and_where_it_goes(copied: Copying) -> None:
    lab = find(copied.target.service, vim.Network, "Lab Network")
    name = unique("placed")
    result = copied(name=name, networks={"*": "Lab Network"}, power_on=True)
    assert (result.name, list(result.entity.network)) == (name, [lab])
    made = find(copied.target.service, vim.VirtualMachine, name)
    assert made.runtime.powerState == "poweredOn"
    assert name in vm_names(copied.target.service)


def test_its_own_name(copied: Copying, simulator: Simulator) -> None:
    name = unique("own-name")
    simulator.add_vm(name, disks=1, disk_size=100_000, nvram=False)
    vm = find(copied.source.service, vim.VirtualMachine, name)
    assert copied(vm).name == name


@pytest.mark.parametrize("most", [1, 2])
def test_never_more_files_are_spooled_than_move(
    copied: Copying, simulator: Simulator, most: int
) -> None:
    name = unique("many-disks")
    simulator.add_vm(name, disks=6, disk_size=400_000)
    vm = find(copied.source.service, vim.VirtualMachine, name)
    simulator.set(bandwidth=2_000_000)
    seen: list[int] = []
    try:
        result = copied(
            vm, max_concurrency=most, progress=lambda _: seen.append(len(copied.spooled()))
        )
    finally:
        simulator.set(bandwidth=0)
    assert len(result.files) == 7
    assert 1 <= max(seen) <= most


def test_progress(copied: Copying) -> None:
    seen: list[nfclease.TransferProgress] = []
    result = copied(name=unique("shown"), progress=seen.append)
    ended = {each.name: each for each in seen if each.done}
    assert {name: each.bytes_done for name, each in ended.items()} == {
        file.name: file.size for file in result.files
    }
    assert not [each for each in ended.values() if each.failed]


@pytest.fixture
def with_iso(simulator: Simulator, copied: Copying) -> Any:
    """A VM with an image of a CD, whose size its lease says."""
    name = unique("with-iso")
    simulator.add_vm(name, disks=1, disk_size=200_000, iso=True)
    return find(copied.source.service, vim.VirtualMachine, name)


def test_a_file_whose_size_is_known_needs_no_spool(
    copied: Copying, simulator: Simulator, with_iso: Any
) -> None:
    simulator.set(bandwidth=1_000_000)
    both: list[bool] = []

    def moves(site: Site, method: str) -> bool:
        """Whether a request for the image is under way."""
        return any(
            each["method"] == method and ".iso" in each["disk"] and each["ended"] is None
            for each in site.simulator.requests()
        )

    def told(_: object) -> None:
        both.append(moves(copied.source, "GET") and moves(copied.target, "PUT"))

    try:
        result = copied(with_iso, name=unique("no-spool"), include=["*.iso"], progress=told)
    finally:
        simulator.set(bandwidth=0)
    [iso] = [file for file in result.files if file.name.endswith(".iso")]
    assert iso.size == ISO_SIZE
    assert iso.checksum in sums(copied.target.simulator, "PUT")
    assert iso.verified == "manifest"
    assert any(both), "it is sent while it comes"


@pytest.mark.parametrize("side", ["source", "target"])
def test_the_side_that_failed_is_the_error(copied: Copying, with_iso: Any, side: str) -> None:
    """The other end of what is not spooled is cancelled for it."""
    broken = copied.source if side == "source" else copied.target
    methods = {"source": "GET", "target": "PUT"}
    broken.simulator.inject("status", method=methods[side], disk=".iso", code=500)
    name = unique("broken-iso")
    with pytest.raises(nfclease.HttpStatusError) as raised:
        copied(with_iso, name=name, include=["*.iso"], max_retries=0)
    assert raised.value.lease == broken.simulator.leases()[-1]["moid"]
    copied.check_nothing_left(name)


#: On which side, the simulator's fault with its parameters, and the error.
FAILURES: dict[str, tuple[str, str, dict[str, Any], type[BaseException]]] = {
    "a cut download": (
        *("source", "cut", {"disk": "disk-2", "after_bytes": 1000}),
        nfclease.TruncatedError,
    ),
    "other bytes come": ("source", "manifest", {"sha1": "0" * 40}, nfclease.ChecksumMismatchError),
    "a refused upload": (
        *("target", "status", {"method": "POST", "code": 500}),
        nfclease.HttpStatusError,
    ),
    "other bytes arrive": (
        "target",
        "manifest",
        {"sha1": "0" * 40},
        nfclease.ChecksumMismatchError,
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_on_either_side_ends_both(copied: Copying, failure: str) -> None:
    side, kind, params, error = FAILURES[failure]
    broken = copied.source if side == "source" else copied.target
    broken.simulator.inject(kind, **params)
    name = unique("failed")
    with pytest.raises(error) as raised:
        copied(name=name, max_retries=0)
    copied.check_nothing_left(name)
    assert getattr(raised.value, "lease", "") == broken.simulator.leases()[-1]["moid"]


def test_a_lease_that_never_begins(copied: Copying) -> None:
    """Nothing has moved; of an import that is refused, the export is over too."""
    copied.target.simulator.inject("init_error")
    name = unique("no-import")
    with pytest.raises(nfclease.LeaseInitError):
        copied(name=name)
    assert endings(copied.source.simulator) == ["HttpNfcLeaseAbort"]
    assert copied.source.simulator.requests() == []
    assert name not in vm_names(copied.target.service)
    copied.source.simulator.inject("init_error")
    with pytest.raises(nfclease.LeaseInitError):
        copied(name=name)
    assert calls_of(copied.target.simulator, "ImportVApp") == 1  # the one before


def test_a_source_that_is_not_completed(copied: Copying) -> None:
    """Its last comparison comes before the new VM is one."""
    copied.source.simulator.inject("soap_fault", method="HttpNfcLeaseComplete")
    name = unique("source-not-completed")
    with pytest.raises(nfclease.LeaseCompleteError):
        copied(name=name)
    ended = endings(copied.source.simulator)
    assert ended == ["HttpNfcLeaseComplete", "HttpNfcLeaseAbort"]
    assert endings(copied.target.simulator) == ["HttpNfcLeaseAbort"]
    assert copied.spooled() == []
    assert name not in vm_names(copied.target.service)


def test_a_target_that_is_not_completed(copied: Copying) -> None:
    copied.target.simulator.inject("soap_fault", method="HttpNfcLeaseComplete")
    name = unique("not-completed")
    with pytest.raises(nfclease.LeaseCompleteError):
        copied(name=name)
    assert endings(copied.source.simulator) == ["HttpNfcLeaseComplete"]
    assert endings(copied.target.simulator)[-1] == "HttpNfcLeaseAbort"
    assert name not in vm_names(copied.target.service)


def test_a_spool_that_cannot_be(
    copied: Copying, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    name = unique("no-spool")
    with pytest.raises(FileNotFoundError):
        copied(name=name)
    copied.check_nothing_left(name)


def test_what_is_wrong_is_known_before_the_import(copied: Copying) -> None:
    with pytest.raises(ValueError, match="no network here is called 'nowhere'"):
        copied(networks={"VM Network": "nowhere"})
    with pytest.raises(ValueError, match="no network 'unknown'"):
        copied(networks={"unknown": "Lab Network"})
    assert calls_of(copied.target.simulator, "ImportVApp") == 0
    assert endings(copied.source.simulator) == ["HttpNfcLeaseAbort"] * 2
    copied.source.simulator.reset()
    with pytest.raises(TypeError, match="require_uploads"):
        copied(require_uploads=False)
    with pytest.raises(TypeError, match=r"datastore must be a vim\.Datastore"):
        copied(datastore="datastore1")
    with pytest.raises(TypeError, match="no option 'max_concurency'"):
        copied(max_concurency=3)
    with pytest.raises(TypeError, match="export_options must be a list"):
        copied(export_options="mac")
    assert calls_of(copied.source.simulator, "ExportVm") == 0


def test_a_vm_that_runs(copied: Copying, running_name: str) -> None:
    running = find(copied.source.service, vim.VirtualMachine, running_name)
    name = unique("from-a-snapshot")
    with pytest.raises(vim.fault.InvalidPowerState):
        copied(running, name=name)
    assert {file.verified for file in copied(running, name=name, snapshot=True).files} == {
        "manifest"
    }
    assert running.snapshot is None


def slowed(copied: Copying) -> None:
    copied.target.simulator.inject("bandwidth", method="POST", bytes_per_second=1)


def test_a_cancelled_task(copied: Copying) -> None:
    slowed(copied)
    name = unique("cancelled")

    async def cancelled() -> None:
        begun = asyncio.Event()

        def told(_: object) -> None:
            if copied.target.simulator.requests():
                begun.set()

        pool = copied.target.vm.resourcePool
        work = nfclease.copy_vm_async(copied.source.vm, pool, name=name, progress=told)
        task = asyncio.ensure_future(work)
        waiting = asyncio.ensure_future(begun.wait())
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    copied.check_nothing_left(name)


def test_ctrl_c(copied: Copying) -> None:
    slowed(copied)
    name, pressed = unique("interrupted"), False

    def told(_: object) -> None:
        nonlocal pressed
        if not pressed and copied.target.simulator.requests():
            pressed = True
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        nfclease.copy_vm(copied.source.vm, copied.target.vm.resourcePool, name=name, progress=told)
    copied.check_nothing_left(name)


def test_both_leases_are_kept_alive(copied: Copying) -> None:
    copied.source.simulator.set(bandwidth=DISK_SIZE)
    copied.target.simulator.set(bandwidth=DISK_SIZE)
    try:
        copied(name=unique("kept"), keep_alive_interval=0.2, max_concurrency=1)
    finally:
        for site in (copied.source, copied.target):
            site.simulator.set(bandwidth=0)
    for site in (copied.source, copied.target):
        assert calls_of(site.simulator, "HttpNfcLeaseProgress") > 3


def test_a_copy_that_cannot_be_switched_on(copied: Copying) -> None:
    copied.target.simulator.inject("task_error", method="PowerOnVM_Task")
    name = unique("off")
    with pytest.raises(vmodl.fault.SystemError):
        copied(name=name, power_on=True)
    made = find(copied.target.service, vim.VirtualMachine, name)
    assert made.runtime.powerState == "poweredOff"
