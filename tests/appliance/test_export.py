"""``export_vm`` to a directory: what is in it, and what the caller may choose."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pyVmomi import vim

from nfclease import UnsafePathError, export_vm
from nfclease.simulator import Simulator

from ..support.inventory import find
from ..support.jobs import Export
from ..support.leases import endings

OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"


def files_of(descriptor: Path) -> dict[str, int]:
    """The files that a descriptor names, with their sizes."""
    files = ElementTree.parse(descriptor).iter(f"{OVF}File")
    return {file.attrib[f"{OVF}href"]: int(file.attrib[f"{OVF}size"]) for file in files}


def test_a_package_is_whole(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    result = export(demo_vm, tmp_path / "out")
    there = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert there.pop("demo-vm.mf").read_bytes()
    described = files_of(there.pop("demo-vm.ovf"))
    assert described == {path.name: path.stat().st_size for path in there.values()}
    assert list(described) == [file.name for file in result.files]
    for file in result.files:
        received = there[file.name].read_bytes()
        assert hashlib.new(file.checksum_type, received).hexdigest() == file.checksum
        assert (file.size, file.verified) == (len(received), "manifest")
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    assert result.path == str(tmp_path / "out")
    assert result.bytes == sum(described.values())


def test_the_descriptor_is_the_servers_text_of_what_was_received(
    export: Export, demo_vm: Any, service: Any, tmp_path: Path
) -> None:
    """Capacity and populatedSize are the lease manifest's."""
    result = export(demo_vm, tmp_path / "out")
    assert all(file.capacity and file.populated_size for file in result.files if file.disk)
    listed = [
        vim.OvfManager.OvfFile(
            deviceId=file.key,
            path=file.name,
            size=file.size,
            capacity=file.capacity,
            populatedSize=file.populated_size,
        )
        for file in result.files
    ]
    params = vim.OvfManager.CreateDescriptorParams(
        name="demo-vm", ovfFiles=listed, includeImageFiles=False
    )
    made = service.content.ovfManager.CreateDescriptor(demo_vm, params)
    assert (tmp_path / "out" / "demo-vm.ovf").read_bytes() == made.ovfDescriptor.encode()


def test_what_a_disk_holds_is_counted_where_no_manifest_says_it(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    listed = export(demo_vm, tmp_path / "listed")
    simulator.inject("no_manifest")
    counted = export(demo_vm, tmp_path / "counted")
    assert {file.verified for file in counted.files} == {"stream"}
    assert [(file.capacity, file.populated_size) for file in counted.files] == [
        (file.capacity, file.populated_size) for file in listed.files
    ]


@pytest.mark.parametrize(
    ("include", "others"),
    [
        (None, {"demo-vm.nvram"}),
        ((), set()),
        ("*.ISO", {"disk-0.iso"}),
        (["*.iso", "*.nvram"], {"disk-0.iso", "demo-vm.nvram"}),
        (lambda device: device.disk or device.targetId.endswith(".iso"), {"disk-0.iso"}),
    ],
)
def test_include_chooses_among_the_other_files(
    export: Export, demo_vm: Any, tmp_path: Path, include: Any, others: set[str]
) -> None:
    result = export(demo_vm, tmp_path / "out", include=include)
    assert {file.name for file in result.files if not file.disk} == others
    assert sum(file.disk for file in result.files) == 3
    assert [*files_of(tmp_path / "out" / "demo-vm.ovf")] == [file.name for file in result.files]


def test_a_disk_of_which_the_server_does_not_say_that_it_is_one(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("device_url", match="disk-2", fields={"disk": None})
    result = export(demo_vm, tmp_path / "out", include=())
    assert [file.name for file in result.files] == [f"disk-{number}.vmdk" for number in (1, 2, 3)]
    assert all(file.disk and file.capacity for file in result.files)


def test_a_callable_may_leave_out_a_disk(export: Export, demo_vm: Any, tmp_path: Path) -> None:
    result = export(demo_vm, tmp_path / "out", include=lambda d: d.targetId == "disk-2.vmdk")
    assert [file.name for file in result.files] == ["disk-2.vmdk"]


@pytest.mark.parametrize("kind", ["sha1", "sha256", "sha512"])
def test_the_manifest_file_has_every_file(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path, kind: Any
) -> None:
    """To the grammar of DSP0243, the descriptor first; each host was asked once for each file."""
    result = export(demo_vm, tmp_path / "out", manifest=kind)
    assert result.manifest == "demo-vm.mf"
    lines = (tmp_path / "out" / "demo-vm.mf").read_bytes().decode().splitlines(keepends=True)
    names = ["demo-vm.ovf", *(file.name for file in result.files)]
    for line, name in zip(lines, names, strict=True):
        digest = hashlib.new(kind, (tmp_path / "out" / name).read_bytes()).hexdigest()
        assert line == f"{kind.upper()}({name})= {digest}\n"
    assert len(simulator.requests()) == len(result.files)


def test_no_manifest_file(export: Export, demo_vm: Any, tmp_path: Path) -> None:
    result = export(demo_vm, tmp_path / "out", manifest=None)
    assert result.manifest is None
    assert not list((tmp_path / "out").glob("*.mf"))
    assert {file.checksum_type for file in result.files} == {"sha1"}


def test_another_name(export: Export, demo_vm: Any, tmp_path: Path) -> None:
    result = export(demo_vm, tmp_path / "out", name="50% off")
    assert (result.name, result.descriptor) == ("50% off", "50_ off.ovf")
    assert 'ovf:id="50% off"' in (tmp_path / "out" / "50_ off.ovf").read_text()


def test_a_vapp(export: Export, service: Any, tmp_path: Path) -> None:
    vapp = find(service, vim.VirtualApp, "demo-vapp")
    result = export(vapp, tmp_path / "out")
    text = (tmp_path / "out" / result.descriptor).read_text()
    assert "VirtualSystemCollection" in text
    assert {*files_of(tmp_path / "out" / result.descriptor)} == {each.name for each in result.files}


WRONG: list[tuple[type[Exception], str, dict[str, Any]]] = [
    (ValueError, "the server has no 'colour'", {"export_options": ["colour"]}),
    (TypeError, "export_options must be a list", {"export_options": "mac"}),
    (TypeError, "include must be patterns or a callable", {"include": 3}),
    (TypeError, "include has a int", {"include": [3]}),
    (TypeError, "snapshot must be None, True", {"snapshot": "yes"}),
    (ValueError, "manifest must be one of sha1, sha256, sha512", {"manifest": "md5"}),
    (TypeError, "name must be a string", {"name": 3}),
    (UnsafePathError, "pass name=", {"name": "../up"}),
    (TypeError, "no option 'checksums'", {"checksums": "sha1"}),
    (ValueError, "max_concurrency", {"max_concurrency": 0}),
]


@pytest.mark.parametrize(("error", "text", "options"), WRONG)
def test_a_wrong_argument_is_refused_before_a_lease(
    export: Export,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    error: type[Exception],
    text: str,
    options: dict[str, Any],
) -> None:
    with pytest.raises(error, match=text):
        export(demo_vm, tmp_path / "out", **options)
    assert simulator.calls("ExportVm") == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_vm_is_refused(export: Export, service: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"entity must be a vim\.VirtualMachine"):
        export(service.content.rootFolder, tmp_path / "out")


def test_a_coroutine_is_told_of_the_other(demo_vm: Any, tmp_path: Path) -> None:
    async def call() -> None:
        export_vm(demo_vm, tmp_path / "out")

    with pytest.raises(RuntimeError, match="await export_vm_async"):
        asyncio.run(call())
