"""What `inspect` says of a package, from every kind of source, on both faces."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import PackageInfo

from ..support.packages import manifest, ova, package, stream_disk, written

DISK = stream_disk()
Look = Callable[[Any], PackageInfo]


@pytest.fixture(params=["blocking", "asyncio"])
def look(request: pytest.FixtureRequest) -> Look:
    if request.param == "blocking":
        return nfclease.inspect
    return lambda source: asyncio.run(nfclease.inspect_async(source))


def file_of(members: dict[str, bytes], path: Path) -> Path:
    path.write_bytes(ova(members))
    return path


@pytest.mark.parametrize("kind", ["ova", "directory", "ovf", "file object", "text path"])
def test_a_package_of_every_kind(look: Look, kind: str, tmp_path: Path) -> None:
    members = package()
    sources: dict[str, Any] = {
        "ova": file_of(members, tmp_path / "demo.ova"),
        "directory": written(tmp_path / "demo", members),
        "ovf": tmp_path / "demo" / "demo.ovf",
        "file object": io.BytesIO(ova(members)),
        "text path": str(tmp_path / "demo.ova"),
    }
    found = look(sources[kind])
    assert (found.name, found.version, found.notes) == ("demo.ovf", "1", ())
    (file,), (disk,), (system,) = found.files, found.disks, found.systems
    assert (file.href, file.path, file.size) == ("disk.vmdk", "disk.vmdk", len(DISK))
    assert (file.stored_size, file.compression, file.chunk_size) == (len(DISK), "identity", None)
    assert (disk.file_ref, disk.capacity, disk.parent_ref) == (file.id, 1 << 20, None)
    assert (system.name, system.hardware_versions) == ("demo", ("vmx-13",))
    assert (system.cpus, system.memory, system.disks) == (1, 64 << 20, (disk.disk_id,))
    assert [network.name for network in found.networks] == ["VM Network"]
    assert found.manifest is not None
    assert {entry.name for entry in found.manifest.entries} == {"demo.ovf", "disk.vmdk"}
    assert not found.certificate


PROPERTIES = """<ProductSection ovf:class="vami" ovf:instance="vm1"><Info>p</Info>
  <Product>Thing</Product><Vendor>Us</Vendor><Version>1.2</Version><FullVersion>1.2 b7</FullVersion>
  <Category>Network</Category>
  <Property ovf:key="ip0" ovf:type="string" ovf:userConfigurable="true" ovf:value="a&amp;b">
    <Label>Address</Label><Description>of the VM</Description></Property>
  <Property ovf:key="mode" ovf:type="string" ovf:qualifiers='ValueMap{"a","b"}' ovf:value="x">
    <Value ovf:value="small one" ovf:configuration="small"/>
    <Value ovf:value="big one" ovf:configuration="big"/></Property>
  <Property ovf:key="secret" ovf:type="string" ovf:password="true"/>
</ProductSection><EulaSection><Info>l</Info><License>Be kind.</License></EulaSection>"""
OPTIONS = """<DeploymentOptionSection><Info>o</Info>
  <Configuration ovf:id="small"><Label>s</Label><Description>d</Description></Configuration>
  <Configuration ovf:id="big" ovf:default="true"><Label>b</Label><Description>d</Description>
  </Configuration></DeploymentOptionSection>"""


def test_what_can_be_chosen_at_an_import(look: Look, tmp_path: Path) -> None:
    members = package(sections=OPTIONS)
    text = members["demo.ovf"].replace(
        b"<OperatingSystem", PROPERTIES.encode() + b"<OperatingSystem"
    )
    found = look(file_of(members | {"demo.ovf": text}, tmp_path / "x.ova"))
    address, mode, secret = found.properties
    assert (address.key, address.type, address.default) == ("vami.ip0.vm1", "string", "a&b")
    assert (address.label, address.description, address.category) == (
        "Address",
        "of the VM",
        "Network",
    )
    assert (address.user_configurable, mode.user_configurable) == (True, False)
    assert (mode.values, mode.default) == (("a", "b"), "big one")
    assert (secret.password, secret.default, secret.system) == (True, None, "demo")
    assert [(one.id, one.default) for one in found.deployment_options] == [
        ("small", False),
        ("big", True),
    ]
    (product,) = found.products
    assert (product.name, product.vendor, product.full_version) == ("Thing", "Us", "1.2 b7")
    assert found.eulas == ("Be kind.",)


def test_what_is_odd_about_it(look: Look, tmp_path: Path) -> None:
    members = package()
    del members["disk.vmdk"]
    members["demo.mf"] = manifest(members).replace(b"SHA256(", b"SHA256 (")
    members["demo.cert"] = b""
    found = look(file_of(members, tmp_path / "x.ova"))
    assert found.certificate
    assert found.files[0].stored_size is None
    notes = "\n".join(found.notes)
    assert "the file 'disk.vmdk' is missing" in notes
    assert "demo.mf: line 1, like 1 more, is not written exactly" in notes


def test_a_manifest_that_cannot_be_read_is_a_note(look: Look, tmp_path: Path) -> None:
    members = package() | {"demo.mf": b"SHA256(disk.vmdk)= 1234\n"}
    found = look(file_of(members, tmp_path / "x.ova"))
    assert found.manifest is None
    assert "demo.mf: line 1" in "\n".join(found.notes)
    assert look(file_of(package(algorithm=None), tmp_path / "y.ova")).manifest is None


def test_a_file_outside_is_a_note(look: Look, tmp_path: Path) -> None:
    members = package(algorithm=None)
    members["demo.ovf"] = members["demo.ovf"].replace(b'"disk.vmdk"', b'"../disk.vmdk"')
    found = look(file_of(members, tmp_path / "x.ova"))
    assert (found.files[0].path, found.files[0].stored_size) == (None, None)
    assert "leaves the package" in "\n".join(found.notes)


def test_pieces_of_a_file_count_together(look: Look, tmp_path: Path) -> None:
    members = package(algorithm=None, file_attributes='ovf:chunkSize="1000"')
    pieces = {
        f"disk.vmdk.{number:09d}": DISK[start : start + 1000]
        for number, start in enumerate(range(0, len(DISK), 1000))
    }
    found = look(file_of({"demo.ovf": members["demo.ovf"], **pieces}, tmp_path / "x.ova"))
    assert (found.files[0].stored_size, found.files[0].chunk_size) == (len(DISK), 1000)


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (b"", nfclease.PackageError, "x.ova"),
        (b"PK\3\4" + bytes(2000), nfclease.PackageError, "zip"),
        (ova({"demo.ovf": b"<html/>"}), nfclease.PackageError, "demo.ovf: .* 'html'"),
        (None, FileNotFoundError, "x.ova"),
    ],
)
def test_what_is_no_package(
    look: Look, tmp_path: Path, data: bytes | None, error: type[Exception], says: str
) -> None:
    path = tmp_path / "x.ova"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(error, match=says):
        look(path)


def test_another_kind_of_source_is_refused(look: Look) -> None:
    with pytest.raises(TypeError, match="source"):
        look(7)


def test_a_notebook_shows_the_disks(tmp_path: Path) -> None:
    found = nfclease.inspect(file_of(package(), tmp_path / "x.ova"))
    shown = found._repr_html_()
    assert "disk.vmdk" in shown
    assert "vmdisk1" in shown
