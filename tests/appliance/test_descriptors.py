"""What a descriptor says, in the forms that real tools write, and what is refused."""

from __future__ import annotations

import re
from contextlib import suppress
from random import Random
from typing import Any

import pytest

import nfclease
from nfclease import _core

from ..support.descriptors import DISK, FILE, OVF_09, descriptor

DOCTYPE = '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "b">]>'


def parsed(text: str | bytes, **options: bool) -> dict[str, Any]:
    data = text if isinstance(text, bytes) else text.encode()
    return _core.parse_descriptor(data, name="demo.ovf", **options)


def test_what_is_in_it() -> None:
    found = parsed(descriptor())
    assert (found["version"], found["notes"]) == ("1", [])
    assert found["files"] == [
        {
            "id": "file1",
            "href": "disk.vmdk",
            "path": "disk.vmdk",
            "size": 68096,
            "chunk_size": None,
            "compression": "identity",
        }
    ]
    (disk,) = found["disks"]
    assert (disk["disk_id"], disk["file_ref"], disk["capacity"]) == ("vmdisk1", "file1", 1 << 20)
    assert disk["format"].endswith("#streamOptimized")
    assert found["networks"] == [{"name": "VM Network", "description": "d"}]
    (system,) = found["systems"]
    assert (system["id"], system["kind"], system["name"]) == ("demo", "VirtualSystem", "demo")
    assert (system["hardware_versions"], system["cpus"]) == (["vmx-13"], 2)
    assert (system["memory"], system["operating_system"]) == (64 << 20, "Linux")
    assert (system["disks"], system["networks"]) == (["vmdisk1"], ["VM Network"])


@pytest.mark.parametrize(
    ("unit", "capacity"),
    [
        ("byte", 60),
        ("byte * 2^30", 60 << 30),
        ("byte*2^20", 60 << 20),
        ("GigaBytes", 60 << 30),
        ("MegaBytes", 60 << 20),
    ],
)
def test_units_of_a_capacity(unit: str, capacity: int) -> None:
    disk = DISK.replace("byte * 2^20", unit).replace('capacity="1"', 'capacity="60"')
    assert parsed(descriptor(disks=disk))["disks"][0]["capacity"] == capacity


@pytest.mark.parametrize(
    ("capacity", "unit", "says"),
    [
        ("9223372036854775808", "byte", "2\\^63"),
        ("9223372036854775807", "byte * 2^20", "too large"),
        ("1", "byte * 2^64", "not a unit"),
        ("1", "furlong", "'furlong' is not a unit of bytes"),
        ("-1", "byte", "not a number"),
        ("", "byte", "not a number"),
    ],
)
def test_a_capacity_that_cannot_be(capacity: str, unit: str, says: str) -> None:
    disk = DISK.replace("byte * 2^20", unit).replace('capacity="1"', f'capacity="{capacity}"')
    with pytest.raises(nfclease.PackageError, match=says) as raised:
        parsed(descriptor(disks=disk))
    assert str(raised.value).startswith("demo.ovf: disk 'vmdisk1'")
    assert raised.value.remedy == "fix_input"


def test_a_capacity_by_a_property() -> None:
    disk = DISK.replace('capacity="1"', 'capacity="${size}"')
    product = (
        '<ProductSection><Property ovf:key="size" ovf:type="int" ovf:value="8"/></ProductSection>'
    )
    assert parsed(descriptor(disks=disk, inside=product))["disks"][0]["capacity"] == 8 << 20
    found = parsed(descriptor(disks=disk))
    assert found["disks"][0]["capacity"] is None
    assert "${size}" in found["notes"][0]


@pytest.mark.parametrize(
    "encoded",
    [
        descriptor(name="Grüße").encode("utf-8-sig"),
        descriptor(name="Grüße", head='<?xml version="1.0" encoding="UTF-16"?>').encode("utf-16"),
        descriptor(name="Grüße", head="").encode("utf-16-be"),
        descriptor(name="Grüße", prefix="o").encode(),
    ],
    ids=["bom", "utf-16", "utf-16 without a mark", "another prefix"],
)
def test_encodings_and_prefixes(encoded: bytes) -> None:
    found = parsed(encoded)
    assert found["systems"][0]["name"] == "Grüße"
    assert found["files"][0]["href"] == "disk.vmdk"
    assert bool(found["notes"]) == (b"\0" in encoded)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no XML element"),
        ("<html/>", "its root is 'html', not 'Envelope'"),
        ("<Envelope/>", "namespace '' of its root"),
        ("<Envelope xmlns='http://x/y'/>", "namespace 'http://x/y'"),
        (descriptor(head=DOCTYPE), "DOCTYPE.*line 2"),
        (descriptor(sections='<Section xsi:type="x"/>'), "prefix 'xsi' \\(line 9\\)"),
        (descriptor(files=""), "disk 'vmdisk1' is of the file 'file1', which is not there"),
        (descriptor(files=FILE + FILE), "two files have the id 'file1'"),
        (descriptor(disks=DISK + DISK), "two disks have the id 'vmdisk1'"),
        (descriptor(files=FILE.replace("ovf:id", "ovf:x")), "File has no id"),
        (descriptor(files=FILE.replace("/>", ' ovf:compression="xz"/>')), "compression 'xz'"),
        (descriptor(files=FILE.replace("/>", ' ovf:chunkSize="0"/>')), "chunkSize is '0'"),
        (re.sub("VirtualSystem([ >])", r"Nothing\1", descriptor()), "no VirtualSystem"),
        (descriptor(name="Grüße").encode("latin-1"), "not UTF-8 \\(line 10\\)"),
        (b"\xff\xfe<\0x", "not valid UTF-16"),
        (b"<a>\0</a>", "zero byte"),
    ],
)
def test_what_is_no_descriptor(text: str | bytes, says: str) -> None:
    with pytest.raises(nfclease.PackageError, match=says):
        parsed(text)


def test_sizes_without_bounds_are_refused() -> None:
    with pytest.raises(nfclease.LimitExceededError, match="size of a descriptor"):
        parsed(b" " * (12 << 20) + b"<")
    deep = descriptor(sections="<x>" * 200 + "</x>" * 200)
    with pytest.raises(nfclease.LimitExceededError, match="depth"):
        parsed(deep)
    long = descriptor(sections=f"<EulaSection><License>{'long ' * 500_000}</License></EulaSection>")
    assert len(parsed(long)["eulas"][0]) > 2_000_000


@pytest.mark.parametrize(
    "href",
    [
        "../disk.vmdk",
        "%2e%2e/disk.vmdk",
        "/etc/passwd",
        "file:///etc/passwd",
        "C:\\disk",
    ],
)
def test_a_file_outside_the_package(href: str) -> None:
    text = descriptor(files=FILE.replace("disk.vmdk", href))
    with pytest.raises(nfclease.UnsafePathError, match="unsafe file name"):
        parsed(text)
    found = parsed(text, allow_outside=True)
    assert (found["files"][0]["href"], found["files"][0]["path"]) == (href, None)
    assert "cannot be read" in found["notes"][0]


def test_a_name_is_decoded_once() -> None:
    found = parsed(descriptor(files=FILE.replace("disk.vmdk", "./a%20b%2520c%a.vmdk")))
    assert found["files"][0]["path"] == "a b%20c%a.vmdk"


def test_what_is_odd() -> None:
    old = descriptor(namespace=OVF_09)
    assert parsed(old)["version"] == "0.9"
    assert "OVF 0.9" in parsed(old)["notes"][0]
    for size in (1 << 20, 1 << 40):
        found = parsed(descriptor(files=FILE.replace("68096", str(size))))
        assert f"the size {size} is not that of a compressed disk" in found["notes"][0]
    found = parsed(descriptor(files=FILE.replace("68096", "-2")))
    assert found["files"][0]["size"] is None
    assert "'-2' is not a count of bytes" in found["notes"][0]
    other = descriptor().replace("<rasd:Connection>VM Network", "<rasd:Connection>Other")
    assert "network 'Other', which is not declared" in parsed(other)["notes"][0]


def test_many_of_everything_take_no_long_time() -> None:
    """As many elements as are allowed, of kinds that are compared with each other."""
    many = range(45_000)
    connections = "".join(f"<rasd:Connection>n{number}</rasd:Connection>" for number in many)
    item = f"<Item>{connections}<rasd:ResourceType>10</rasd:ResourceType></Item>"
    properties = "".join(f'<Property ovf:key="p{number}"/>' for number in many)
    options = "".join(f'<Configuration ovf:id="o{number}"/>' for number in many)
    disks = "".join(
        f'<Disk ovf:diskId="d{number}" ovf:capacity="${{p{number}}}"/>' for number in many
    )
    text = descriptor(
        disks=DISK + disks,
        sections=f"<DeploymentOptionSection>{options}</DeploymentOptionSection>",
        inside=f"<ProductSection>{properties}</ProductSection>",
    ).replace("</VirtualHardwareSection>", f"{item}</VirtualHardwareSection>")
    found = parsed(text)
    assert len(found["systems"][0]["networks"]) == len(many) + 1
    assert (len(found["disks"]), len(found["notes"])) == (len(many) + 1, 50)


def test_damage_is_an_error_of_ours() -> None:
    """Bytes changed and cut out anywhere: read or refused, and nothing inside breaks."""
    whole = descriptor().encode()
    random = Random(15)
    for _ in range(2000):
        data = bytearray(whole)
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(data))
            if random.random() < 0.5:
                data[at] = random.choice(b"<>\"'&/:;=x0\x00\xff ")
            else:
                del data[at : at + random.randint(1, 40)]
        with suppress(nfclease.PackageError, nfclease.UnsafePathError):
            parsed(bytes(data))
