"""Odd packages that people met, each imported: what is sent of it, or why nothing is."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.importing import Importing, calls_of
from ..support.inventory import unique
from ..support.packages import descriptor, manifest, ova, package, stream_disk

Members = dict[str, bytes]
DISK = stream_disk()


@pytest.fixture
def imported(demo_vm: Any) -> Importing:
    return Importing("blocking", demo_vm)


def plain(files: Members | None = None, **described: Any) -> Members:
    return package(files, algorithm=None, **described)


def edited(old: str, new: str, members: Members | None = None, encoding: str = "utf-8") -> Members:
    """A package whose descriptor says something else."""
    members = members or plain()
    text = members["demo.ovf"].decode()
    assert old in text
    return {**members, "demo.ovf": text.replace(old, new).encode(encoding)}


def listed(members: Members, algorithm: str = "sha256") -> Members:
    """With a manifest file of what is there now."""
    return {**members, "demo.mf": manifest(members, algorithm)}


def with_mf(change: Callable[[bytes], bytes], algorithm: str = "sha256") -> Members:
    members = plain()
    return {**members, "demo.mf": change(manifest(members, algorithm))}


def upper(lines: bytes) -> bytes:
    return b"".join(
        name + b"= " + digest.upper() + b"\n"
        for name, digest in (line.split(b"= ") for line in lines.splitlines())
    )


def chunks(size: int = 2000, missing: int | None = None) -> Members:
    numbers = range(-(-len(DISK) // size))
    pieces = {
        f"disk.vmdk.{number:09d}": DISK[number * size :][:size]
        for number in numbers
        if number != missing
    }
    whole = plain(file_attributes=f'ovf:chunkSize="{size}"')
    return {"demo.ovf": whole["demo.ovf"], **pieces}


def zipped() -> Members:
    return plain(
        {"disk.vmdk.gz": gzip.compress(DISK)},
        disks=["disk.vmdk.gz"],
        file_attributes='ovf:compression="gzip"',
    )


def blank() -> Members:
    disk = '<Disk ovf:diskId="blank" ovf:capacity="10" ovf:capacityAllocationUnits="byte * 2^30"/>'
    item = (
        "      <Item><rasd:AddressOnParent>9</rasd:AddressOnParent><rasd:ElementName>Hard disk 9"
        "</rasd:ElementName><rasd:HostResource>ovf:/disk/blank</rasd:HostResource><rasd:InstanceID>"
        "19</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType>"
        "</Item>\n    </VirtualHardwareSection>"
    )
    members = edited("  </DiskSection>", f"{disk}  </DiskSection>")
    return edited("    </VirtualHardwareSection>", item, members)


def lacking_nvram() -> Members:
    extra = (
        '<vmw:ExtraConfig xmlns:vmw="http://www.vmware.com/schema/ovf" ovf:required="false" '
        'vmw:key="nvram" vmw:value="ovf:/file/file2"/></VirtualHardwareSection>'
    )
    members = plain({"disk.vmdk": DISK, "disk-1.nvram": b""})
    members = edited("</VirtualHardwareSection>", extra, members)
    return {name: data for name, data in members.items() if name != "disk-1.nvram"}


#: Members, and what a note says; "" for a package that has none but on its missing manifest file.
TAKEN: dict[str, tuple[Members, str]] = {
    "no size": ({"demo.ovf": descriptor({"disk.vmdk": None}), "disk.vmdk": DISK}, ""),
    "the size is a capacity": (
        {"demo.ovf": descriptor({"disk.vmdk": 1 << 20}), "disk.vmdk": DISK},
        "is not that of a compressed disk",
    ),
    "the size is that of all capacities": (
        {"demo.ovf": descriptor({"disk.vmdk": 1 << 40}), "disk.vmdk": DISK},
        "is not that of a compressed disk",
    ),
    "gigabytes": (edited("byte * 2^20", "GigaBytes"), ""),
    "byte order mark": (edited("demo", "demo", encoding="utf-8-sig"), ""),
    "utf-16": (edited("UTF-8", "UTF-16", encoding="utf-16"), "UTF-16"),
    "unicode text": (edited("A VM", "日本語 Ünïcode 🙂"), ""),
    "another prefix": (edited(" ovf:", " o:", edited("xmlns:ovf", "xmlns:o")), ""),
    "a blank disk": (blank(), ""),
    "gzip": (zipped(), ""),
    "chunks": (chunks(), ""),
    "boot order": (
        edited(
            "<OperatingSystem",
            '<vmw:BootOrderSection xmlns:vmw="http://www.vmware.com/schema/ovf" '
            'vmw:instanceId="11" vmw:type="disk"><Info>b</Info></vmw:BootOrderSection>'
            "<OperatingSystem",
        ),
        "",
    ),
    "sha1": (with_mf(lambda lines: lines, "sha1"), ""),
    "sha512": (with_mf(lambda lines: lines, "sha512"), ""),
    "spaces": (with_mf(lambda lines: lines.replace(b"(", b" (").replace(b")=", b") =")), "vSphere"),
    "crlf": (with_mf(lambda lines: lines.replace(b"\n", b"\r\n")), ""),
    "upper-case hex": (with_mf(upper), ""),
    "a missing line": (with_mf(lambda lines: lines.splitlines(True)[0]), "disk.vmdk"),
    "an empty manifest file": (with_mf(lambda _: b""), "lists no file"),
    "dot and slash": (with_mf(lambda lines: lines.replace(b"(", b"(./")), ""),
    "another name of the manifest file": (
        {"demo.ovf": package()["demo.ovf"], "other.mf": package()["demo.mf"], "disk.vmdk": DISK},
        "other.mf",
    ),
    "a space in a name": (listed(plain({"The Image.vmdk": DISK})), ""),
    "a percent in an href": (
        listed(
            {**edited('href="disk.vmdk"', 'href="the%20disk.vmdk"', plain()), "the disk.vmdk": DISK}
        ),
        "",
    ),
    "unicode names": (listed(plain({"仮想ディスク.vmdk": DISK})), ""),
}


@pytest.mark.parametrize("case", TAKEN)
def test_taken(imported: Importing, simulator: Simulator, tmp_path: Path, case: str) -> None:
    members, note = TAKEN[case]
    path = tmp_path / "demo.ova"
    path.write_bytes(ova(members))
    result = imported(path, name=unique("odd"))
    sent = [(request["method"], request["sha1"]) for request in simulator.requests()]
    assert sent == [("POST", hashlib.sha1(DISK).hexdigest())]
    has_manifest = any(name.endswith(".mf") and members[name] for name in members)
    notes = [said for said in result.notes if has_manifest or "no manifest file" not in said]
    assert any(note in said for said in notes) == bool(note), result.notes


def test_deltas_are_sent_in_their_order(
    imported: Importing, simulator: Simulator, tmp_path: Path
) -> None:
    files = {
        f"{name}.vmdk": stream_disk(2000, number)
        for number, name in enumerate(["base", "delta", "more"])
    }
    members = edited(
        'ovf:diskId="vmdisk2"', 'ovf:diskId="vmdisk2" ovf:parentRef="vmdisk1"', plain(files)
    )
    members = edited(
        'ovf:diskId="vmdisk3"', 'ovf:diskId="vmdisk3" ovf:parentRef="vmdisk2"', members
    )
    path = tmp_path / "demo.ova"
    path.write_bytes(ova(listed(members)))
    imported(path, name=unique("delta"))
    sums = [hashlib.sha1(data).hexdigest() for data in files.values()]
    sent: dict[str, list[str]] = {}
    ended = 0.0
    for request in simulator.requests():
        # Of another device, too: a server may give a delta one of its own.
        assert request["started"] >= ended
        ended = request["ended"]
        sent.setdefault(request["disk"], []).append(request["sha1"])
    # Each of the three disks has those that it is a delta of before it.
    assert sorted(sent.values(), key=len) == [sums[:1], sums[:2], sums]


#: Members, the error, and what it says; nothing is asked of the server that would make a VM.
REFUSED: dict[str, tuple[Members, type[Exception], str]] = {
    "capacity of 2^63": (
        edited('capacity="1" ovf:capacityAllocationUnits="byte * 2^20"', f'capacity="{2**63}"'),
        nfclease.PackageError,
        "2\\^63",
    ),
    "undeclared prefix": (
        edited("<OperatingSystem", '<Section other:type="x"/><OperatingSystem'),
        nfclease.PackageError,
        "prefix 'other' \\(line \\d+\\)",
    ),
    "doctype": (
        edited("?>\n", '?>\n<!DOCTYPE x [<!ENTITY a "aaaa">]>\n'),
        nfclease.PackageError,
        "DOCTYPE.*\\(line 2\\)",
    ),
    "a missing nvram": (
        lacking_nvram(),
        nfclease.PackageError,
        "disk-1.nvram",
    ),
    "a missing chunk": (chunks(missing=1), nfclease.PackageError, "000000001"),
    "a raw disk": (plain({"disk.vmdk": bytes(65536)}), nfclease.DiskFormatError, "disk.vmdk"),
    "an edited descriptor": (
        {**package(), "demo.ovf": package()["demo.ovf"].replace(b"A VM", b"a VM")},
        nfclease.ChecksumMismatchError,
        "demo.ovf",
    ),
    "a file URI": (
        edited('href="disk.vmdk"', 'href="file:///etc/passwd"'),
        nfclease.UnsafePathError,
        "file:///etc/passwd",
    ),
    "a damaged manifest file": (
        with_mf(lambda lines: lines[:-10]),
        nfclease.PackageError,
        "demo.mf: line 2",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(imported: Importing, simulator: Simulator, tmp_path: Path, case: str) -> None:
    members, error, says = REFUSED[case]
    path = tmp_path / "demo.ova"
    path.write_bytes(ova(members))
    with pytest.raises(error, match=says):
        imported(path, name=unique("refused"))
    assert calls_of(simulator, "ImportVApp") == 0
