"""Packages that become VMs: what is sent, chosen and said, on both faces."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

import nfclease
from nfclease.simulator import Simulator

from ..support.importing import Importing, calls_of
from ..support.imports import descriptor_of
from ..support.inventory import find, unique
from ..support.leases import endings
from ..support.packages import descriptor, ova, package, stream_disk, with_files, written


def test_a_directory(
    imported: Importing, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    files = {"disk.vmdk": stream_disk(), "other.vmdk": stream_disk(64, 2)}
    written(tmp_path, package(files))
    name = unique("imported")
    result = imported(tmp_path, name=name)
    assert isinstance(result.entity, vim.VirtualMachine)
    assert (result.name, result.entity.name) == (name, name)
    assert result.entity == find(service, vim.VirtualMachine, name)
    assert [(file.name, file.size) for file in result.files] == [
        (file, len(data)) for file, data in files.items()
    ]
    assert {file.verified for file in result.files} == {"manifest"}
    assert {file.file_checksum_type for file in result.files} == {"sha256"}
    assert {request["sha1"] for request in simulator.requests()} == {
        hashlib.sha1(data).hexdigest() for data in files.values()
    }
    assert (result.warnings, result.notes) == ((), ())
    assert result.bytes == sum(map(len, files.values()))
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.parametrize("source", ["path", "file", "memory"])
def test_an_archive(imported: Importing, simulator: Simulator, tmp_path: Path, source: str) -> None:
    """Its members are read where they are, side by side."""
    files = {f"disk-{number}.vmdk": stream_disk(200, number) for number in range(4)}
    path = tmp_path / "demo.ova"
    path.write_bytes(ova(package(files)))
    with path.open("rb") as file:
        kinds = {"path": path, "file": file, "memory": io.BytesIO(path.read_bytes())}
        result = imported(kinds[source], name=unique("archive"))
        assert not file.closed
    assert [(each.name, each.verified) for each in result.files] == [
        (name, "manifest") for name in files
    ]
    assert {request["sha1"] for request in simulator.requests()} == {
        hashlib.sha1(data).hexdigest() for data in files.values()
    }
    assert result.notes == ()


def with_card(members: dict[str, bytes]) -> dict[str, bytes]:
    """The same, with a network card."""
    card = (
        b"      <Item><rasd:AutomaticAllocation>true</rasd:AutomaticAllocation>"
        b"<rasd:Connection>VM Network</rasd:Connection><rasd:ElementName>net</rasd:ElementName>"
        b"<rasd:InstanceID>20</rasd:InstanceID><rasd:ResourceSubType>E1000</rasd:ResourceSubType>"
        b"<rasd:ResourceType>10</rasd:ResourceType></Item>\n"
    )
    end = b"    </VirtualHardwareSection>"
    return {**members, "demo.ovf": members["demo.ovf"].replace(end, card + end)}


def test_an_ovf_file_without_a_manifest_file(imported: Importing, tmp_path: Path) -> None:
    written(tmp_path, package(algorithm=None))
    result = imported(tmp_path / "demo.ovf", name=unique("plain"))
    assert [file.file_checksum_type for file in result.files] == [None]
    [note] = result.notes
    assert "manifest file" in note


def test_the_name_of_the_descriptor(imported: Importing, tmp_path: Path) -> None:
    name = unique("named")
    result = imported(written(tmp_path, package(name=name)))
    assert result.name == name


@pytest.mark.parametrize("by_name", [True, False])
def test_networks(imported: Importing, service: Any, tmp_path: Path, by_name: bool) -> None:
    lab = find(service, vim.Network, "Lab Network")
    chosen = {"VM Network": "Lab Network" if by_name else lab}
    written(tmp_path, with_card(package(algorithm=None)))
    result = imported(tmp_path, name=unique("mapped"), networks=chosen)
    assert list(result.entity.network) == [lab]


def test_a_network_of_the_same_name(imported: Importing, service: Any, tmp_path: Path) -> None:
    written(tmp_path, with_card(package(algorithm=None)))
    result = imported(tmp_path, name=unique("same"))
    assert [network.name for network in result.entity.network] == ["VM Network"]
    assert not [note for note in result.notes if "mapped" in note]


def test_a_network_that_nobody_mapped(imported: Importing, tmp_path: Path) -> None:
    members = package(algorithm=None)
    members["demo.ovf"] = members["demo.ovf"].replace(b'"VM Network"', b'"Elsewhere"')
    result = imported(written(tmp_path, members), name=unique("unmapped"))
    assert any("'Elsewhere' is not mapped" in note for note in result.notes)


_PRODUCT = """\
    <ProductSection ovf:class="com.example" ovf:instance="1"><Info>p</Info>
      <Property ovf:key="host" ovf:type="string" ovf:userConfigurable="true" ovf:value="a"/>
      <Property ovf:key="on" ovf:type="boolean" ovf:userConfigurable="true" ovf:value="False"/>
      <Property ovf:key="port" ovf:type="uint16" ovf:userConfigurable="true" ovf:value="1"/>
      <Property ovf:key="fixed" ovf:type="string" ovf:userConfigurable="false" ovf:value="f"/>
    </ProductSection>
"""


def with_properties() -> dict[str, bytes]:
    members = package(algorithm=None)
    end = b"  </VirtualSystem>"
    members["demo.ovf"] = members["demo.ovf"].replace(end, _PRODUCT.encode() + end)
    return members


def test_properties(imported: Importing, tmp_path: Path) -> None:
    chosen = {"host": "b", "on": True, "port": 443}
    result = imported(
        written(tmp_path, with_properties()),
        name=unique("properties"),
        properties={f"com.example.{key}.1": value for key, value in chosen.items()},
    )
    config = result.entity.config.vAppConfig
    values = {one.id: one.value or one.defaultValue for one in config.property}
    assert values == {"host": "b", "on": "True", "port": "443", "fixed": "f"}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("com.example.hots.1", "b", "do you mean 'com.example.host.1'"),
        ("com.example.fixed.1", "b", "userConfigurable"),
        ("com.example.port.1", "many", "uint16"),
        ("com.example.port.1", -1, "uint16"),
        ("com.example.on.1", "yes", "boolean"),
    ],
)
def test_properties_that_are_refused(
    imported: Importing, simulator: Simulator, tmp_path: Path, key: str, value: Any, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        imported(written(tmp_path, with_properties()), properties={key: value})
    assert calls_of(simulator, "CreateImportSpec") == 0


_OPTIONS = """\
  <DeploymentOptionSection><Info>Sizes</Info>
    <Configuration ovf:id="small"><Label>Small</Label><Description>s</Description></Configuration>
    <Configuration ovf:id="big" ovf:default="true"><Label>Big</Label></Configuration>
  </DeploymentOptionSection>
"""


def test_a_deployment_option(imported: Importing, simulator: Simulator, tmp_path: Path) -> None:
    written(tmp_path, package(sections=_OPTIONS, algorithm=None))
    with pytest.raises(ValueError, match="it has 'big', 'small'; do you mean 'small'"):
        imported(tmp_path, deployment_option="smal")
    assert calls_of(simulator, "CreateImportSpec") == 0
    assert imported(tmp_path, name=unique("small"), deployment_option="small").files


@pytest.mark.parametrize(("kind", "thin"), [("thin", True), ("thick", False)])
def test_the_kind_of_disks(imported: Importing, tmp_path: Path, kind: str, thin: bool) -> None:
    written(tmp_path, package())
    entity = imported(tmp_path, name=unique(kind), disk_provisioning=kind).entity
    backings = [d.backing for d in entity.config.hardware.device if hasattr(d, "capacityInKB")]
    assert [backing.thinProvisioned for backing in backings] == [thin]


def test_switched_on(imported: Importing, tmp_path: Path) -> None:
    result = imported(written(tmp_path, package()), name=unique("on"), power_on=True)
    assert result.entity.runtime.powerState == "poweredOn"


def test_what_cannot_be_switched_on_is_there(
    imported: Importing, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    simulator.inject("task_error", method="PowerOnVM_Task")
    name = unique("off")
    with pytest.raises(vmodl.MethodFault) as raised:
        imported(written(tmp_path, package()), name=name, power_on=True)
    vm = find(service, vim.VirtualMachine, name)
    assert any(vm._moId in note for note in getattr(raised.value, "__notes__", ()))
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_place(imported: Importing, service: Any, tmp_path: Path) -> None:
    vm = imported.vm
    result = imported(
        written(tmp_path, package()),
        name=unique("placed"),
        datastore=vm.datastore[0],
        folder=vm.parent,
        host=vm.runtime.host,
    )
    assert result.entity.parent == vm.parent
    assert list(result.entity.datastore) == list(vm.datastore)


def test_progress_has_every_file(imported: Importing, tmp_path: Path) -> None:
    seen: dict[str, int] = {}
    result = imported(
        written(tmp_path, package()),
        name=unique("seen"),
        progress=lambda one: seen.__setitem__(one.name, one.bytes_done),
    )
    assert seen == {file.name: file.size for file in result.files}


def test_the_result_as_a_table(imported: Importing, tmp_path: Path) -> None:
    result = imported(written(tmp_path, package()), name=unique("table"))
    html = result._repr_html_()
    assert "disk.vmdk" in html
    assert result.files[0].checksum in html


def test_an_nvram_and_an_image(imported: Importing, simulator: Simulator, tmp_path: Path) -> None:
    """They are PUT; an nvram may be empty."""
    written(tmp_path, with_files({"demo.nvram": b"", "cd.iso": b"i" * 3000}))
    result = imported(tmp_path, name=unique("files"))
    assert {file.name: file.size for file in result.files if file.name != "disk.vmdk"} == {
        "demo.nvram": 0,
        "cd.iso": 3000,
    }
    assert [request["method"] for request in simulator.requests()].count("PUT") == 2


def test_a_size_that_is_a_capacity(imported: Importing, tmp_path: Path) -> None:
    data = stream_disk()
    ovf = descriptor({"disk.vmdk": 1 << 20})
    result = imported(
        written(tmp_path, {"demo.ovf": ovf, "disk.vmdk": data}), name=unique("capacity")
    )
    assert any("1048576 is not that" in note for note in result.notes)


def test_a_disk_without_a_file(imported: Importing, tmp_path: Path) -> None:
    members = package(algorithm=None)
    blank = b'<Disk ovf:diskId="blank" ovf:capacity="8" ovf:capacityAllocationUnits="byte * 2^20"/>'
    members["demo.ovf"] = members["demo.ovf"].replace(
        b"  </DiskSection>", blank + b"</DiskSection>"
    )
    assert len(imported(written(tmp_path, members), name=unique("blank")).files) == 1


def test_text_in_utf_16(imported: Importing, tmp_path: Path) -> None:
    members = package(algorithm=None)
    text = members["demo.ovf"].decode().replace('"UTF-8"', '"UTF-16"')
    members["demo.ovf"] = text.encode("utf-16")
    assert imported(written(tmp_path, members), name=unique("utf16")).files


def test_a_vapp(imported: Importing, service: Any, simulator: Simulator, tmp_path: Path) -> None:
    name = unique("vapp")
    vapp = find(service, vim.VirtualApp, "demo-vapp")
    with nfclease.HttpNfcLease(vapp.ExportVApp()) as lease:
        files = lease.download_all(tmp_path)
    (tmp_path / "demo.ovf").write_text(descriptor_of(service, vapp, files), encoding="utf-8")
    simulator.reset()
    result = imported(tmp_path, name=name)
    assert isinstance(result.entity, vim.VirtualApp)
    assert result.name == name
    assert {file.verified for file in result.files} == {"manifest"}


def test_a_delta_waits_for_its_parent(
    imported: Importing, simulator: Simulator, tmp_path: Path
) -> None:
    files = {"base.vmdk": stream_disk(64), "delta.vmdk": stream_disk(8, 2)}
    members = package(files, disks=["base.vmdk", "delta.vmdk"], algorithm=None)
    text = members["demo.ovf"].decode()
    text = text.replace('"vmdisk2"', '"vmdisk2" ovf:parentRef="vmdisk1"', 1)
    start = text.rindex("<Item>", 0, text.index("ovf:/disk/vmdisk1"))
    end = text.index("</Item>", start) + len("</Item>")
    members["demo.ovf"] = (text[:start] + text[end:]).encode()
    simulator.inject("bandwidth", method="POST", bytes_per_second=1 << 20)
    result = imported(written(tmp_path, members), name=unique("delta"))
    assert [file.name for file in result.files] == list(files)
    first, second = simulator.requests()
    assert first["ended"] <= second["started"]
