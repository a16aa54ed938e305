"""Imports that are broken off: one Abort, and no VM."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

import nfclease
from nfclease.simulator import Simulator

from ..support.forwarding import forwarding
from ..support.importing import Importing, vm_names
from ..support.inventory import find, unique
from ..support.leases import endings
from ..support.packages import ova, package, stream_disk, written


@pytest.fixture
def slow(simulator: Simulator, tmp_path: Path) -> Path:
    """A package whose upload takes very long."""
    simulator.inject("bandwidth", method="POST", bytes_per_second=1)
    return written(tmp_path, package({"a.vmdk": stream_disk(4000), "b.vmdk": stream_disk(4000)}))


def check_nothing_left(simulator: Simulator, service: Any, name: str) -> None:
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert name not in vm_names(service)


def test_a_cancelled_task(simulator: Simulator, service: Any, demo_vm: Any, slow: Path) -> None:
    name = unique("cancelled")

    async def cancelled() -> None:
        begun = asyncio.Event()
        task = asyncio.ensure_future(
            nfclease.import_vapp_async(
                slow, demo_vm.resourcePool, name=name, progress=lambda _: begun.set()
            )
        )
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    check_nothing_left(simulator, service, name)


def test_ctrl_c(simulator: Simulator, service: Any, demo_vm: Any, slow: Path) -> None:
    name = unique("interrupted")
    begun = False

    def interrupt(_: object) -> None:
        nonlocal begun
        if not begun:
            begun = True
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        nfclease.import_vapp(slow, demo_vm.resourcePool, name=name, progress=interrupt)
    check_nothing_left(simulator, service, name)


def test_a_lease_that_ends_meanwhile(imported: Importing, simulator: Simulator, slow: Path) -> None:
    expired: list[object] = []

    def expire(_: object) -> None:
        if not expired:
            expired.append(simulator.expire())

    with pytest.raises(nfclease.LeaseLostError):
        imported(slow, name=unique("lost"), progress=expire)
    assert endings(simulator) == []


def test_a_vm_that_cannot_be_switched_on(
    imported: Importing, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    """It is there, and whole."""
    simulator.inject("task_error", method="PowerOnVM_Task")
    name = unique("off")
    with pytest.raises(vmodl.fault.SystemError):
        imported(written(tmp_path, package()), name=name, power_on=True)
    assert find(service, vim.VirtualMachine, name).runtime.powerState == "poweredOff"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_into_a_vapp(
    imported: Importing, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    vapp = find(service, vim.VirtualApp, "demo-vapp")
    written(tmp_path, package())
    with pytest.raises(ValueError, match="folder="):
        imported(tmp_path, vapp, name=unique("in-vapp"), folder=imported.vm.parent)
    result = imported(tmp_path, vapp, name=unique("in-vapp"))
    assert result.entity in vapp.vm


def test_a_file_object_is_left_where_it_can_be_used(imported: Importing, tmp_path: Path) -> None:
    path = tmp_path / "demo.ova"
    path.write_bytes(ova(package()))
    with path.open("rb") as file:
        file.seek(700)
        for _ in range(2):
            assert imported(file, name=unique("again")).files


def test_hosts_that_are_reached_by_another_address(imported: Importing, tmp_path: Path) -> None:
    written(tmp_path, package())
    with forwarding() as forwarder:
        urls = lambda device_url: forwarder.url(device_url.url)  # noqa: E731
        assert imported(tmp_path, name=unique("elsewhere"), urls=urls).files
        assert forwarder.connections


def test_the_server_received_something_else(
    imported: Importing, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    """As vCenter 6.5 made empty disks of some descriptors, and said that all was well."""
    simulator.inject("manifest", sha1="0" * 40)
    name = unique("empty")
    with pytest.raises(nfclease.ChecksumMismatchError):
        imported(written(tmp_path, package()), name=name)
    check_nothing_left(simulator, service, name)
