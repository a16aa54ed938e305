"""Packages that become no VM: what is refused, when, and in which words."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

import nfclease
from nfclease.simulator import Simulator

from ..support.importing import Importing, calls_of, vm_names
from ..support.inventory import unique
from ..support.leases import endings
from ..support.packages import descriptor, manifest, package, stream_disk, written

Members = dict[str, bytes]


def signed(files: Members, ovf: bytes) -> Members:
    """A package of this descriptor and these files, whose manifest file is right."""
    return {"demo.ovf": ovf, "demo.mf": manifest({"demo.ovf": ovf, **files}), **files}


def edited() -> Members:
    members = package()
    return {**members, "demo.ovf": members["demo.ovf"].replace(b"64MB", b"63MB")}


def lacking_disk() -> Members:
    members = package({"a.vmdk": stream_disk(), "b.vmdk": stream_disk(), "c.vmdk": stream_disk()})
    return {name: data for name, data in members.items() if name[0] not in "bc"}


def raw_disk() -> Members:
    return package({"disk.vmdk": bytes(5632)})


def qcow2() -> Members:
    return package({"disk.vmdk": b"QFI\xfb" + bytes(5628)})


def cut_disk() -> Members:
    return package({"disk.vmdk": stream_disk()[:-1024]})


def wrong_size() -> Members:
    files = {"disk.vmdk": stream_disk()}
    return signed(files, descriptor({"disk.vmdk": 7777}))


def too_large() -> Members:
    """The disk holds 1 MiB, and the descriptor wants one of half of that."""
    files = {"disk.vmdk": stream_disk()}
    ovf = descriptor({name: len(data) for name, data in files.items()})
    return signed(
        files, ovf.replace(b'ovf:capacity="1"', b'ovf:capacity="512"').replace(b"2^20", b"2^10", 1)
    )


REFUSED: dict[str, tuple[Callable[[], Members], type[Exception], str]] = {
    "edited": (edited, nfclease.ChecksumMismatchError, r"demo\.ovf: its sha256 .* demo\.mf says"),
    "missing": (lacking_disk, nfclease.PackageError, r"does not have: b\.vmdk, c\.vmdk"),
    "raw": (raw_disk, nfclease.DiskFormatError, r"disk\.vmdk"),
    "qcow2": (qcow2, nfclease.DiskFormatError, r"disk\.vmdk"),
    "cut": (cut_disk, nfclease.DiskFormatError, r"disk\.vmdk"),
    "size": (wrong_size, nfclease.SizeMismatchError, r"disk\.vmdk.*7777"),
    "large": (too_large, nfclease.PackageError, r"disk\.vmdk is a disk of 1,048,576 .* 524,288"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_before_there_is_a_lease(
    imported: Importing, simulator: Simulator, tmp_path: Path, case: str
) -> None:
    make, error, said = REFUSED[case]
    with pytest.raises(error, match=said):
        imported(written(tmp_path, make()), name=unique("refused"))
    assert calls_of(simulator, "ImportVApp") == 0


def test_who_means_it(imported: Importing, simulator: Simulator, tmp_path: Path) -> None:
    """The format is then the host's to judge."""
    written(tmp_path / "size", wrong_size())
    assert imported(tmp_path / "size", name=unique("meant"), verify_size=False).files
    written(tmp_path / "raw", raw_disk())
    with pytest.raises(nfclease.HttpStatusError):
        imported(tmp_path / "raw", name=unique("meant"), verify_format=False)
    assert calls_of(simulator, "ImportVApp") == 2


def test_a_file_that_is_not_the_one_that_was_packed(
    imported: Importing, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    members = package({"a.vmdk": stream_disk(), "b.vmdk": stream_disk(8, 2)})
    written(tmp_path, {**members, "b.vmdk": stream_disk(8, 3)})
    name = unique("wrong")
    with pytest.raises(nfclease.ChecksumMismatchError, match="manifest file") as raised:
        imported(tmp_path, name=name)
    assert raised.value.checksum_type == "sha256"
    assert (raised.value.file, raised.value.lease_outcome) == ("b.vmdk", "aborted")
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert name not in vm_names(service)


def test_a_host_that_refuses_a_file(
    imported: Importing, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    simulator.inject("status", method="POST", code=500)
    name = unique("failed")
    with pytest.raises(nfclease.HttpStatusError):
        imported(written(tmp_path, package()), name=name)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert name not in vm_names(service)


def test_a_file_that_is_not_sent_is_compared_as_well(
    imported: Importing, simulator: Simulator, tmp_path: Path
) -> None:
    members = package({"disk.vmdk": stream_disk(), "cd.iso": b"i" * 3000})
    assert imported(written(tmp_path, members), name=unique("beside"), strict=True).notes == ()
    written(tmp_path, {"cd.iso": b"j" * 3000})
    simulator.reset()
    with pytest.raises(nfclease.ChecksumMismatchError, match=r"cd\.iso"):
        imported(tmp_path, name=unique("beside"))
    assert calls_of(simulator, "ImportVApp") == 0
    (tmp_path / "cd.iso").unlink()
    notes = imported(tmp_path, name=unique("beside")).notes
    assert [note for note in notes if "cd.iso: the manifest file lists it" in note]


def without_line() -> Members:
    members = package({"a.vmdk": stream_disk(), "b.vmdk": stream_disk()})
    return {**members, "demo.mf": b"".join(members["demo.mf"].splitlines(keepends=True)[:-1])}


STRICT: dict[str, tuple[Callable[[], Members], str]] = {
    "no manifest file": (lambda: package(algorithm=None), "no manifest file"),
    "no line": (without_line, r"b\.vmdk: the manifest file has no line"),
    "certificate": (lambda: {**package(), "demo.cert": b"x"}, r"\.cert"),
}


@pytest.mark.parametrize("case", STRICT)
def test_what_strict_refuses(
    imported: Importing, simulator: Simulator, tmp_path: Path, case: str
) -> None:
    make, said = STRICT[case]
    written(tmp_path, make())
    with pytest.raises(nfclease.PackageError, match=said):
        imported(tmp_path, name=unique("strict"), strict=True)
    assert calls_of(simulator, "ImportVApp") == 0
    assert len(imported(tmp_path, name=unique("lenient")).notes) == 1


def test_what_strict_takes(imported: Importing, tmp_path: Path) -> None:
    assert imported(written(tmp_path, package()), name=unique("right"), strict=True).notes == ()


ARGUMENTS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"networks": {"Lan": "VM Network"}}, ValueError, "no network 'Lan'; it has 'VM Network'"),
    ({"networks": {"VM Network": "Lan"}}, ValueError, "no network here is called 'Lan'"),
    ({"networks": {"VM Network": 1}}, TypeError, "vim.Network or its name"),
    ({"networks": ["VM Network"]}, TypeError, "networks must be a dict"),
    ({"properties": {"a": "b"}}, ValueError, "it has no property to choose"),
    ({"deployment_option": "big"}, ValueError, "it has no deployment option to choose"),
    ({"disk_provisioning": "glass"}, ValueError, "thin, thick"),
    ({"name": 5}, TypeError, "name must be a str"),
    ({"datastore": "here"}, TypeError, "vim.Datastore or a vim.StoragePod"),
    ({"folder": "here"}, TypeError, "vim.Folder"),
    ({"host": "here"}, TypeError, "vim.HostSystem"),
    ({"pool": "here"}, TypeError, "resource_pool must be a vim.ResourcePool"),
    ({"require_uploads": False}, TypeError, "require_uploads"),
    ({"max_concurrency": 0}, ValueError, "max_concurrency"),
    ({"nonsense": 1}, TypeError, "nonsense"),
    ({"progress": 5}, TypeError, "progress"),
]


@pytest.mark.parametrize(("options", "error", "said"), ARGUMENTS)
def test_arguments(
    imported: Importing,
    simulator: Simulator,
    tmp_path: Path,
    options: dict[str, Any],
    error: type[Exception],
    said: str,
) -> None:
    with pytest.raises(error, match=said):
        imported(written(tmp_path, package()), **{"name": unique("refused"), **options})
    assert calls_of(simulator, "ImportVApp") == 0


@pytest.mark.parametrize("source", [5, None, ["x.ovf"], io.StringIO("<Envelope/>")])
def test_sources(imported: Importing, source: Any) -> None:
    with pytest.raises(TypeError, match=r"source (must be|is a text file)|gave str"):
        imported(source)


def test_what_the_server_refuses(imported: Importing, simulator: Simulator, tmp_path: Path) -> None:
    """Its fault comes as it is, and its message says of which package, and all that is wrong."""
    simulator.inject(
        "ovf_error", method="CreateImportSpec", fault="vim.fault.OvfInvalidPackage", message="bad"
    )
    with pytest.raises(vim.fault.OvfInvalidPackage) as raised:
        imported(written(tmp_path, package()), name=unique("refused"))
    said: Any = raised.value
    assert "CreateImportSpec refused demo.ovf (OVF 1): OvfInvalidPackage" in said.msg
    assert calls_of(simulator, "ImportVApp") == 0


def test_what_the_server_warns_of(
    imported: Importing, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject(
        "ovf_warning", method="CreateImportSpec", fault="vim.fault.OvfInvalidPackage", message="odd"
    )
    [warning] = imported(written(tmp_path, package()), name=unique("warned")).warnings
    assert warning.startswith("OvfInvalidPackage: odd")


def test_a_call_that_fails(imported: Importing, simulator: Simulator, tmp_path: Path) -> None:
    simulator.inject("soap_fault", match="ImportVApp", fault="vim.fault.InvalidState")
    with pytest.raises(vmodl.MethodFault):
        imported(written(tmp_path, package()), name=unique("refused"))
    assert endings(simulator) == []


def test_a_progress_that_raises(imported: Importing, simulator: Simulator, tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop(_: object) -> None:
        raise StopError

    with pytest.raises(StopError):
        imported(written(tmp_path, package()), name=unique("stopped"), progress=stop)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_coroutine_that_would_block(tmp_path: Path, demo_vm: Any) -> None:
    import asyncio

    async def wrong() -> None:
        Importing("blocking", demo_vm)(tmp_path)

    with pytest.raises(RuntimeError, match="import_vapp"):
        asyncio.run(wrong())
