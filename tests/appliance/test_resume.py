"""``export_vm(..., resume=True)``: disks that were verified are not fetched twice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim

import nfclease
from nfclease.appliance import _digests
from nfclease.simulator import Simulator

from ..support.inventory import find, unique
from ..support.jobs import Export
from ..support.leases import endings
from ..support.resuming import Broken
from ..support.waiting import wait_for

ALL = ["disk-1.vmdk", "disk-2.vmdk", "disk-3.vmdk"]


@pytest.fixture(params=["out", "out.ova"])
def broken(
    request: pytest.FixtureRequest,
    export: Export,
    simulator: Simulator,
    service: Any,
    tmp_path: Path,
) -> Broken:
    """Of a VM of its own, to a directory and to an archive."""
    name = unique("resumed")
    simulator.add_vm(name, disks=3, iso=True, disk_size=1 << 20)
    vm = find(service, vim.VirtualMachine, name)
    return Broken(export, simulator, vm, tmp_path / request.param)


@pytest.fixture
def vm(broken: Broken) -> Any:
    return broken._vm


def fetched_all(broken: Broken) -> None:
    """Nothing that was kept was taken."""
    result = broken.again()
    assert [name for name in broken.fetched() if name in ALL] == ALL
    assert not any(file.reused for file in result.files)
    assert nfclease.verify(broken.target)


def test_what_was_verified_is_not_fetched_again(broken: Broken, tmp_path: Path) -> None:
    error = broken()
    assert broken.kept.is_file()
    assert not broken.target.exists()
    assert [file["name"] for file in broken.record["files"]] == ["disk-1.vmdk"]
    assert f"1 disk is kept in {broken.folder}" in str(getattr(error, "__notes__", None))
    kept = hashlib.sha256(broken.kept.read_bytes()).hexdigest()
    result = broken.again()
    assert [name for name in broken.fetched() if name in ALL] == ALL[1:]
    first, *others = result.files
    assert (first.name, first.reused, first.attempts) == ("disk-1.vmdk", True, 0)
    assert (first.checksum, first.verified) == (kept, "manifest")
    assert not any(file.reused for file in others)
    assert first.capacity
    assert first.populated_size
    assert nfclease.verify(broken.target)
    assert os.listdir(tmp_path) == [broken.target.name]


def test_every_disk_may_be_kept(broken: Broken, simulator: Simulator, tmp_path: Path) -> None:
    """The failure comes when all of them are there."""
    simulator.inject("soap_fault", method="HttpNfcLeaseComplete")
    with pytest.raises(nfclease.LeaseError):
        broken.again(max_concurrency=4)
    simulator.reset()
    result = broken.again(progress=lambda _: None)
    assert [file.reused for file in result.files] == [True, True, True, False]
    assert not {*broken.fetched()} & {*ALL}
    assert nfclease.verify(broken.target)
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    assert os.listdir(tmp_path) == [broken.target.name]


def test_a_disk_that_ends_between_two_looks_is_kept(
    broken: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked at just before its end, and the next one just after its failure."""
    done = nfclease.Transfer.done

    def slow(transfer: nfclease.Transfer) -> bool:
        seen = done(transfer)
        if not seen and transfer.name == ALL[0]:
            others = [each.core for each in transfer._lease.transfers if each.name in ALL[1:]]
            wait_for(lambda: any(core.failed() for core in others), 60)
        return seen

    monkeypatch.setattr(nfclease.Transfer, "done", slow)
    broken()
    assert broken.kept.exists()


def test_other_sums_are_computed_of_what_was_kept(broken: Broken) -> None:
    broken()
    whole = broken.kept.read_bytes()
    result = broken.again(manifest="sha512")
    assert result.files[0].reused
    assert result.files[0].checksum == hashlib.sha512(whole).hexdigest()
    assert nfclease.verify(broken.target)


def test_without_a_manifest_file_the_sum_is_the_servers(broken: Broken) -> None:
    broken(manifest=None)
    whole = broken.kept.read_bytes()
    file = broken.again(manifest=None).files[0]
    assert (file.reused, file.checksum_type) == (True, "sha1")
    assert file.checksum == hashlib.sha1(whole).hexdigest()


def reconfigured(vm: Any) -> None:
    WaitForTask(vm.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="another")))


def switched_on_and_off(vm: Any) -> None:
    """Its guest writes; ``changeVersion`` stays here, and only ``contentId`` tells."""
    before = vm.config.changeVersion
    WaitForTask(vm.PowerOnVM_Task())
    WaitForTask(vm.PowerOffVM_Task())
    assert vm.config.changeVersion == before


@pytest.mark.parametrize("change", [reconfigured, switched_on_and_off])
def test_a_vm_that_was_changed(broken: Broken, vm: Any, change: Callable[[Any], None]) -> None:
    broken()
    change(vm)
    fetched_all(broken)


def test_a_vm_that_is_changed_while_what_was_kept_is_read(
    broken: Broken, vm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts is what the server says while the lease holds the VM."""
    read = _digests.digests

    def meanwhile(*args: Any) -> dict[str, str]:
        sums = read(*args)
        switched_on_and_off(vm)
        return sums

    broken()
    monkeypatch.setattr("nfclease.appliance._resuming.digests", meanwhile)
    fetched_all(broken)


def test_another_vm_has_other_disks(broken: Broken, simulator: Simulator, service: Any) -> None:
    broken()
    name = unique("other")
    simulator.add_vm(name, disks=3, iso=True, disk_size=1 << 20)
    result = broken.again(find(service, vim.VirtualMachine, name))
    assert not any(file.reused for file in result.files)
    assert [name for name in broken.fetched() if name in ALL] == ALL


@pytest.mark.parametrize("options", [{"verify_format": "grains"}, {"checksum_type": "sha256"}])
def test_what_was_verified_otherwise_is_fetched(broken: Broken, options: dict[str, Any]) -> None:
    broken()
    result = broken.again(**options)
    assert not any(file.reused for file in result.files)


def test_a_disk_that_no_manifest_proved(broken: Broken, simulator: Simulator) -> None:
    """It counts where that is enough, and only there."""
    simulator.inject("no_manifest")
    broken()
    assert broken.record["files"][0]["verified"] == "stream"
    assert not broken.again(require_manifest=True).files[0].reused


@pytest.mark.parametrize("bytes_of", ["flipped", "cut", "gone", "link"])
def test_bytes_that_changed_on_the_disk_are_never_taken(
    broken: Broken, tmp_path: Path, bytes_of: str
) -> None:
    broken()
    whole = broken.kept.read_bytes()
    broken.kept.unlink()
    if bytes_of == "flipped":
        broken.kept.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    elif bytes_of == "cut":
        broken.kept.write_bytes(whole[:-1])
    elif bytes_of == "link":
        (tmp_path / "elsewhere").write_bytes(whole)
        broken.kept.symlink_to(tmp_path / "elsewhere")
    fetched_all(broken)


def test_a_sum_that_the_new_lease_lists(broken: Broken, simulator: Simulator) -> None:
    """Another one than that of the disk that was kept: the server has other bytes."""
    broken()
    key = broken.record["files"][0]["key"]
    envelope = (
        '<?xml version="1.0"?><soapenv:Envelope '
        'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
        '<HttpNfcLeaseGetManifestResponse xmlns="urn:vim25"><returnval>'
        f"<key>{key}</key><sha1>{'0' * 40}</sha1><size>7</size><disk>true</disk>"
        "</returnval></HttpNfcLeaseGetManifestResponse></soapenv:Body></soapenv:Envelope>"
    )
    simulator.inject("raw_reply", method="HttpNfcLeaseGetManifest", body=envelope, count=1)
    fetched_all(broken)


def test_one_try_after_the_other_goes_on(broken: Broken, simulator: Simulator) -> None:
    broken()
    simulator.inject("status", match="disk-3", code=500)
    with pytest.raises(nfclease.NfcError):
        broken.again()
    assert [file["name"] for file in broken.record["files"]] == ALL[:2]
    simulator.reset()
    assert [file.reused for file in broken.again().files] == [True, True, False, False]


def test_without_resume_the_folder_is_left_alone(broken: Broken) -> None:
    broken()
    before = broken.record
    broken.again(resume=False)
    assert broken.record == before
    assert broken.kept.is_file()
    assert broken.again(overwrite=True).files[0].reused
    assert not broken.folder.exists()


def test_a_failure_before_any_disk_leaves_no_folder(
    broken: Broken, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("status", match="disk-1", code=500)
    with pytest.raises(nfclease.NfcError):
        broken.again()
    assert os.listdir(tmp_path) == []


def test_a_failure_before_the_lease_loses_nothing(
    broken: Broken, simulator: Simulator, vm: Any
) -> None:
    broken()
    simulator.hold_vm(vm.name, method="ReconfigVM_Task")
    with pytest.raises(nfclease.BlockedError):
        broken.again()
    simulator.free_vm(vm.name)
    assert broken.again().files[0].reused


def test_a_snapshot_that_stays_does_not_change(broken: Broken, vm: Any) -> None:
    """Its VM may run, write and be reconfigured between the two exports."""
    task = vm.CreateSnapshot_Task(name="mine", memory=False, quiesce=False)
    WaitForTask(task)
    snapshot = task.info.result
    broken(snapshot=snapshot)
    reconfigured(vm)
    switched_on_and_off(vm)
    WaitForTask(vm.PowerOnVM_Task())
    assert broken.again(snapshot=snapshot).files[0].reused
    assert nfclease.verify(broken.target)
    WaitForTask(vm.PowerOffVM_Task())
    broken(snapshot=snapshot, overwrite=True)
    result = broken.again(overwrite=True)  # the VM as it is now
    assert not any(file.reused for file in result.files)


def test_what_does_not_go_with_it(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="another moment; pass a snapshot that stays"):
        export(demo_vm, tmp_path / "out", resume=True, snapshot=True)
    with pytest.raises(ValueError, match="not with disk_format"):
        export(demo_vm, tmp_path / "out", resume=True, disk_format="raw")
    with open(tmp_path / "pipe", "wb") as file, pytest.raises(ValueError, match="no place beside"):
        export(demo_vm, file, resume=True)
    with pytest.raises(FileNotFoundError, match="directory of the target has to be there"):
        export(demo_vm, tmp_path / "missing" / "out", resume=True)
    assert simulator.calls("ExportVm") == []
