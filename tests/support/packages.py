"""OVF packages for tests, and the parts to make odd ones of."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_CIM = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_"
_SPACES = (
    'xmlns="http://schemas.dmtf.org/ovf/envelope/1" '
    'xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" '
    f'xmlns:rasd="{_CIM}ResourceAllocationSettingData" xmlns:vssd="{_CIM}VirtualSystemSettingData" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
STREAM_OPTIMIZED = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"

_HARDWARE = """\
    <VirtualHardwareSection><Info>hw</Info>
      <System><vssd:ElementName>Virtual Hardware Family</vssd:ElementName>\
<vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>
      <Item><rasd:ElementName>1 virtual CPU</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID>\
<rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
      <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>\
<rasd:ElementName>64MB</rasd:ElementName><rasd:InstanceID>2</rasd:InstanceID>\
<rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>64</rasd:VirtualQuantity></Item>
      <Item><rasd:Address>0</rasd:Address><rasd:ElementName>SCSI</rasd:ElementName>\
<rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>lsilogic</rasd:ResourceSubType>\
<rasd:ResourceType>6</rasd:ResourceType></Item>
{items}    </VirtualHardwareSection>
"""


def stream_disk(grains: int = 8, seed: int = 1) -> bytes:
    """A small streamOptimized VMDK: header, some bytes in the place of grains, footer, end."""
    sector = 512
    header = bytearray(sector)
    header[:4] = b"KDMV"
    header[4:8] = (3).to_bytes(4, "little")
    header[8:12] = (0x30001).to_bytes(4, "little")
    header[12:20] = (2048).to_bytes(8, "little")  # 1 MiB
    header[20:28] = (128).to_bytes(8, "little")
    header[56:64] = b"\xff" * 8
    body = b"".join(
        hashlib.sha512(f"{seed}.{grain}.{part}".encode()).digest()
        for grain in range(grains)
        for part in range(sector // 64)
    )
    footer = bytearray(header)
    footer[56:64] = (1).to_bytes(8, "little")
    return bytes(header) + body + bytes(footer) + bytes(sector)


def descriptor(
    files: Mapping[str, int | None] | None = None,
    *,
    disks: list[str] | None = None,
    file_attributes: str = "",
    sections: str = "",
    name: str = "demo",
    capacity: int = 1 << 20,
) -> bytes:
    """A descriptor that lists these files (by ``href``, with their sizes) and makes disks of some.

    Args:
        files: ``href`` to size; None leaves the size out.
        disks: Which of them are disks; those that end with ``.vmdk`` when None.
        file_attributes: What else each ``File`` has.
        sections: More of the envelope, after the disks.
        name: The name of the VM.
        capacity: What each disk can hold, in bytes.
    """
    unit = "byte * 2^20" if capacity % (1 << 20) == 0 else "byte"
    held = capacity >> 20 if unit != "byte" else capacity
    files = {"disk.vmdk": None} if files is None else files
    disks = [href for href in files if href.lower().endswith(".vmdk")] if disks is None else disks
    references = disk_lines = items = ""
    for number, (href, size) in enumerate(files.items(), 1):
        stated = "" if size is None else f' ovf:size="{size}"'
        references += (
            f'    <File ovf:id="file{number}" ovf:href="{href}"{stated} {file_attributes}/>\n'
        )
        if href in disks:
            disk_lines += (
                f'    <Disk ovf:diskId="vmdisk{number}" ovf:fileRef="file{number}" '
                f'ovf:capacity="{held}" ovf:capacityAllocationUnits="{unit}" '
                f'ovf:format="{STREAM_OPTIMIZED}"/>\n'
            )
            items += (
                f"      <Item><rasd:AddressOnParent>{number}</rasd:AddressOnParent>"
                f"<rasd:ElementName>Hard disk {number}</rasd:ElementName>"
                f"<rasd:HostResource>ovf:/disk/vmdisk{number}</rasd:HostResource>"
                f"<rasd:InstanceID>{10 + number}</rasd:InstanceID><rasd:Parent>3</rasd:Parent>"
                f"<rasd:ResourceType>17</rasd:ResourceType></Item>\n"
            )
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Envelope {_SPACES}>\n'
        f"  <References>\n{references}  </References>\n"
        f"  <DiskSection><Info>Disks</Info>\n{disk_lines}  </DiskSection>\n"
        '  <NetworkSection><Info>n</Info><Network ovf:name="VM Network">'
        f"<Description>d</Description></Network></NetworkSection>\n{sections}"
        f'  <VirtualSystem ovf:id="{name}"><Info>A VM</Info><Name>{name}</Name>\n'
        '    <OperatingSystemSection ovf:id="101"><Info>os</Info></OperatingSystemSection>\n'
        f"{_HARDWARE.format(items=items)}  </VirtualSystem>\n</Envelope>\n"
    )
    return text.encode()


def manifest(files: dict[str, bytes], algorithm: str = "sha256") -> bytes:
    """A manifest file of these, in the grammar of DSP0243."""
    lines = (
        f"{algorithm.upper()}({name})= {hashlib.new(algorithm, data).hexdigest()}\n"
        for name, data in files.items()
    )
    return "".join(lines).encode()


def package(
    files: dict[str, bytes] | None = None, *, algorithm: str | None = "sha256", **described: Any
) -> dict[str, bytes]:
    """The members of a whole package, in their order: ``demo.ovf``, ``demo.mf``, the files."""
    files = {"disk.vmdk": stream_disk()} if files is None else files
    sizes = {name: len(data) for name, data in files.items()}
    members = {"demo.ovf": descriptor(sizes, **described)}
    if algorithm is not None:
        members["demo.mf"] = manifest({**members, **files}, algorithm)
    return {**members, **files}


def ova(members: dict[str, bytes], format: int = tarfile.USTAR_FORMAT) -> bytes:
    """An archive of these members."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=format) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_700_000_000
            tar.addfile(info, io.BytesIO(data))
    return archive.getvalue()


def reordered(members: dict[str, bytes], *names: str) -> bytes:
    """The same of these members alone, in this order."""
    return ova({name: members[name] for name in names})


def both_forms(members: dict[str, bytes]) -> dict[str, bytes]:
    """What a web server has of a package: an archive, and its files in a folder."""
    return {"demo.ova": ova(members), **{f"x/{name}": data for name, data in members.items()}}


def written(directory: Path, members: dict[str, bytes]) -> Path:
    """The members as files of a directory."""
    for name, data in members.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return directory


def entry(name: str, data: bytes = b"", **header: Any) -> bytes:
    """One member with a header of one's own: ``type``, ``size``, ``linkname`` and so on."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for attribute, value in header.items():
        setattr(info, attribute, value)
    padding = bytes(-len(data) % tarfile.BLOCKSIZE)
    return info.tobuf(tarfile.GNU_FORMAT) + data + padding


#: What ends an archive.
END = bytes(2 * tarfile.BLOCKSIZE)


def with_checksum(header: bytes) -> bytes:
    """A header of 512 bytes whose checksum is right, whatever was changed in it."""
    total = sum(header[:148]) + 8 * 0x20 + sum(header[156:512])
    return header[:148] + f"{total:06o}\0 ".encode() + header[156:]


def with_files(files: dict[str, bytes]) -> dict[str, bytes]:
    """A package with an nvram and a CD beside its disk."""
    members = package({"disk.vmdk": stream_disk(), **files}, algorithm=None)
    text = members["demo.ovf"].decode()
    numbers = {name: number for number, name in enumerate(["disk.vmdk", *files], 1)}
    end = "    </VirtualHardwareSection>"
    extra = (
        '      <vmw:ExtraConfig xmlns:vmw="http://www.vmware.com/schema/ovf" ovf:required="false" '
        f'vmw:key="nvram" vmw:value="ovf:/file/file{numbers["demo.nvram"]}"/>\n'
    )
    cd = (
        "      <Item><rasd:AddressOnParent>7</rasd:AddressOnParent>"
        f"<rasd:ElementName>CD</rasd:ElementName><rasd:HostResource>ovf:/file/file"
        f"{numbers['cd.iso']}</rasd:HostResource><rasd:InstanceID>30</rasd:InstanceID>"
        "<rasd:Parent>3</rasd:Parent><rasd:ResourceType>15</rasd:ResourceType></Item>\n"
    )
    members["demo.ovf"] = text.replace(end, cd + extra + end).encode()
    return members
