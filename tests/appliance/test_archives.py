"""Archives of OVAs as tools write them, and as nobody should: what a reader takes and refuses."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from nfclease import LimitExceededError, PackageError, UnsafePathError, _core, verify
from nfclease._local.stored import StoredEnd

from ..support.packages import (
    END,
    entry,
    ova,
    package,
    reordered,
    stream_disk,
    with_checksum,
    written,
)

MEMBERS = package()
OVF, MF, DISK = MEMBERS.values()


def opened(data: bytes, path: Path) -> _core.Package:
    path.write_bytes(data)
    by_path = _core.Package.of_path(path)
    end = StoredEnd(io.BytesIO(data))
    by_file = _core.Package.of_file(end, end.length)
    assert by_file.members == by_path.members
    return by_path


def check_whole(found: _core.Package) -> None:
    assert found.descriptor == OVF
    assert found.member_size("disk.vmdk") == len(DISK)


def base_256() -> bytes:
    parts = []
    for name, data in MEMBERS.items():
        header = bytearray(entry(name, data)[:512])
        header[124:136] = b"\x80" + len(data).to_bytes(11, "big")
        parts += [with_checksum(bytes(header)), data, bytes(-len(data) % 512)]
    return b"".join(parts) + END


def lacking_end() -> bytes:
    whole = b"".join(entry(name, data) for name, data in MEMBERS.items())
    assert len(DISK) % 512 == 0
    return whole


TAKEN: dict[str, tuple[bytes, str]] = {
    "plain": (ova(MEMBERS), ""),
    "gnu": (ova(MEMBERS, tarfile.GNU_FORMAT), ""),
    "pax": (
        b"".join(entry("././@PaxHeader", b"22 mtime=1700000000.5\n", type=b"x") + entry(*member)
                 for member in MEMBERS.items()) + END,
        "pax",
    ),
    "base_256_sizes": (base_256(), ""),
    "mf_first": (reordered(MEMBERS, "demo.mf", "demo.ovf", "disk.vmdk"), "first member"),
    "ovf_last": (reordered(MEMBERS, "disk.vmdk", "demo.mf", "demo.ovf"), "first member"),
    "appledouble": (ova({"._demo.ovf": b"Mac", **MEMBERS, "._disk.vmdk": b"Mac"}), "ignored"),
    "dot_slash": (ova({f"./{name}": data for name, data in MEMBERS.items()}), ""),
    "no_end_blocks": (lacking_end(), "end blocks"),
}  # fmt: skip


@pytest.mark.parametrize("case", TAKEN)
def test_taken(case: str, tmp_path: Path) -> None:
    data, note = TAKEN[case]
    found = opened(data, tmp_path / "x.ova")
    check_whole(found)
    assert (found.descriptor_name, found.manifest_name) == ("demo.ovf", "demo.mf")
    assert any(note in said for said in found.notes) == bool(note), found.notes


def test_a_pax_size_and_path_count(tmp_path: Path) -> None:
    size = f"size={len(DISK)}\n".encode()
    records = b"%d " % (len(size) + 3) + size + b"18 path=disk.vmdk\n"
    header = bytearray(entry("other", b"")[:512])
    data = entry("demo.ovf", OVF) + entry("x", records, type=b"x") + bytes(header) + DISK
    check_whole(opened(data + END, tmp_path / "x.ova"))


def test_gnu_long_names(tmp_path: Path) -> None:
    name = "a" * 180 + ".vmdk"
    long = {"demo.ovf": OVF, name: DISK}
    found = opened(ova(long, tarfile.GNU_FORMAT), tmp_path / "x.ova")
    assert found.member_size(name) == len(DISK)


def test_a_name_split_into_prefix_and_name(tmp_path: Path) -> None:
    name = "p" * 90 + "/" + "d" * 60 + ".vmdk"
    found = opened(ova({"demo.ovf": OVF, name: DISK}), tmp_path / "x.ova")
    assert found.member_size(name) == len(DISK)


def test_a_package_in_a_folder(tmp_path: Path) -> None:
    inside = b"".join(entry(f"pkg/{name}", data) for name, data in MEMBERS.items())
    found = opened(entry("pkg/", type=b"5") + inside + END, tmp_path / "x.ova")
    check_whole(found)
    assert found.manifest_name == "pkg/demo.mf"


def test_upper_case_endings(tmp_path: Path) -> None:
    found = opened(ova({"DEMO.OVF": OVF, "DEMO.MF": MF, "DISK.VMDK": DISK}), tmp_path / "x.ova")
    assert (found.descriptor_name, found.manifest_name) == ("DEMO.OVF", "DEMO.MF")
    assert found.member_size("DISK.VMDK") == len(DISK)


HEADER = entry("disk.vmdk", DISK)[:512]

REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "zip": (b"PK\x03\x04" + bytes(600), "zip"),
    "gzip": (b"\x1f\x8b\x08" + bytes(600), "gunzip"),
    "a_disk": (DISK, "VMDK"),
    "a_page": (b"<!DOCTYPE html><html>" + bytes(600), "HTML"),
    "a_text": (b"SHA256(demo.ovf)= 00\n" * 60, "neither a tar archive nor an OVF descriptor"),
    "noise": (bytes(range(256)) * 8, "neither a tar archive nor an OVF descriptor"),
    "only_zeros": (bytes(4096), r"no member that ends with \.ovf"),
    "short": (ova(MEMBERS)[:400], "too short"),
    "duplicate": (lacking_end() + entry("disk.vmdk", DISK) + END, "twice"),
    "no_descriptor": (ova({"disk.vmdk": DISK}), ".ovf"),
    "damaged": (b"X" + ova(MEMBERS)[1:], "byte 0 is damaged"),
    "cut_in_a_disk": (lacking_end()[:-600], "cut"),
    "cut_in_a_header": (lacking_end()[: -len(DISK) - 100], "cut"),
    "negative_size": (
        entry("demo.ovf", OVF) + with_checksum(HEADER[:124] + b"\xff" * 12 + HEADER[136:]),
        "negative",
    ),
    "huge_size": (
        entry("demo.ovf", OVF)
        + with_checksum(HEADER[:124] + b"\x80" + b"\0" * 3 + b"\xff" * 8 + HEADER[136:]),
        "cut",
    ),
    "a_record_without_end": (entry("demo.ovf", OVF) + entry("x", b"99 a=b\n", type=b"x"), "pax"),
    "a_name_of_gigabytes": (
        with_checksum(HEADER[:124] + b"77777777777\0" + b"0" * 20 + b"L" + HEADER[157:]),
        "too long",
    ),
    "after_one_zero_block": (entry("demo.ovf", OVF) + bytes(512) + entry("x", b"y"), "after"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, tmp_path: Path) -> None:
    data, reason = REFUSED[case]
    path = tmp_path / "x.ova"
    path.write_bytes(data)
    with pytest.raises(PackageError, match=reason) as caught:
        _core.Package.of_path(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy == "fix_input"


@pytest.mark.parametrize(
    "members",
    [
        {"demo.ovf": b"<" + bytes(12 << 20)},
        {"demo.ovf": OVF, "demo.mf": bytes((1 << 20) + 1)},
    ],
)
def test_what_is_too_long_is_not_read(members: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "x.ova"
    path.write_bytes(ova(members))
    with pytest.raises(LimitExceededError, match="size of a"):
        _core.Package.of_path(path)
    assert "size of a" in verify(path).problems[0]


@pytest.mark.parametrize("name", ["/etc/x.vmdk", "../x.vmdk", "a/../../x", "a\\x", "C:x", "a\nb"])
def test_names_that_leave_the_package(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnsafePathError):
        opened(ova({"demo.ovf": OVF, name: DISK}), tmp_path / "x.ova")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, b"S"])
def test_a_disk_that_is_no_file(kind: bytes, tmp_path: Path) -> None:
    member = entry("disk.vmdk", type=kind, linkname="/etc/passwd")
    found = opened(entry("demo.ovf", OVF) + member + END, tmp_path / "x.ova")
    with pytest.raises(PackageError, match="cannot be used"):
        found.source("disk.vmdk")


def test_hrefs_are_uris(tmp_path: Path) -> None:
    names = ["The Image Name.vmdk", "仮想ディスク.vmdk", "url%24x.vmdk", "a$b.vmdk"]
    found = opened(ova({"demo.ovf": OVF, **dict.fromkeys(names, DISK)}), tmp_path / "x.ova")
    for href in [*names, "The%20Image%20Name.vmdk", "a%24b.vmdk", "%E4%BB%AE想ディスク.vmdk"]:
        assert found.member_size(href) == len(DISK), href
    assert found.member_size("other.vmdk") is None
    for href in ["file:///C:/x/disk.vmdk", "http://x/y", "../x", "%2e%2e/x", "/etc/passwd", ""]:
        with pytest.raises(UnsafePathError):
            found.member_size(href)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


def cut(data: bytes, at: int) -> bytes:
    return data[:at]


@pytest.mark.parametrize("change", [flipped, cut])
def test_damage_anywhere_in_the_headers_is_an_error_of_ours(
    change: Callable[[bytes, int], bytes], tmp_path: Path
) -> None:
    small = b"".join(entry(name, data[:100]) for name, data in MEMBERS.items()) + END
    for at in range(0, len(small), 3):
        (tmp_path / "x.ova").write_bytes(change(small, at))
        try:
            found = _core.Package.of_path(tmp_path / "x.ova")
        except (PackageError, UnsafePathError):
            continue
        assert found.descriptor_name.lower().endswith(".ovf")


def test_a_member_beyond_8_gib_costs_no_bytes(tmp_path: Path) -> None:
    size = 9 << 30
    path = tmp_path / "x.ova"
    header = tarfile.TarInfo("big.vmdk")
    header.size = size
    with path.open("wb") as file:
        file.write(entry("demo.ovf", OVF) + header.tobuf(tarfile.GNU_FORMAT))
        file.seek(size, io.SEEK_CUR)
        file.write(entry("disk.vmdk", DISK) + END)
    found = _core.Package.of_path(path)
    assert (found.member_size("big.vmdk"), found.member_size("disk.vmdk")) == (size, len(DISK))


def test_a_directory_and_its_descriptor(tmp_path: Path) -> None:
    directory = written(tmp_path / "d", MEMBERS)
    for path in (directory, directory / "demo.ovf"):
        found = _core.Package.of_path(path)
        check_whole(found)
        assert found.manifest == MF
    (directory / "demo.mf").rename(directory / "other.mf")
    found = _core.Package.of_path(directory)
    assert found.manifest_name == "other.mf"
    assert "not called as" in found.notes[0]
    (directory / "second.ovf").write_bytes(OVF)
    with pytest.raises(PackageError, match="several descriptors"):
        _core.Package.of_path(directory)
    with pytest.raises(PackageError, match=r"ends with \.ovf"):
        _core.Package.of_path(tmp_path)
    with pytest.raises(FileNotFoundError):
        _core.Package.of_path(tmp_path / "missing")


def test_chunks(tmp_path: Path) -> None:
    disk = stream_disk()
    pieces = {f"disk.vmdk.{number:09}": disk[at : at + 1000]
              for number, at in enumerate(range(0, len(disk), 1000))}  # fmt: skip
    source = opened(ova({"demo.ovf": OVF, **pieces}), tmp_path / "x.ova").source
    assert source("disk.vmdk", chunk_size=1000, size=len(disk)) is not None
    assert source("disk.vmdk", chunk_size=1000) is not None
    for missing, size in [(0, None), (1, None), (len(pieces) - 1, len(disk))]:
        name = f"disk.vmdk.{missing:09}"
        rest = {each: data for each, data in pieces.items() if each != name}
        holed = opened(ova({"demo.ovf": OVF, **rest}), tmp_path / "y.ova")
        with pytest.raises(PackageError, match=f"'{name}' is missing"):
            holed.source("disk.vmdk", chunk_size=1000, size=size)
    with pytest.raises(PackageError, match="more than a piece"):
        source("disk.vmdk", chunk_size=999)
    short = {**pieces, "disk.vmdk.000000001": b"x"}
    with pytest.raises(PackageError, match="1 of its 1000 bytes"):
        opened(ova({"demo.ovf": OVF, **short}), tmp_path / "z.ova").source(
            "disk.vmdk", chunk_size=1000
        )
