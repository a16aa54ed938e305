"""The lines of a manifest file: read in the forms that people write, written in one."""

from __future__ import annotations

import hashlib
import re

import pytest

import nfclease
from nfclease import ManifestEntry, ManifestFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nfclease.appliance.manifest_file import Algorithm

DATA = b"a disk"
SUMS = {kind: hashlib.new(kind, DATA).hexdigest() for kind in ("sha1", "sha256", "sha512")}
SHA256 = SUMS["sha256"]


@pytest.mark.parametrize("kind", ["sha1", "sha256", "sha512"])
def test_what_is_written_is_the_grammar(kind: Algorithm) -> None:
    entries = [ManifestEntry(name, kind, SUMS[kind].upper()) for name in ("demo.ovf", "a (1).vmdk")]
    built = ManifestFile.build(entries)
    line = re.compile(rf"{kind.upper()}\([^()]*(\(1\))?[^()]*\)= [0-9a-f]+\n")
    assert all(line.fullmatch(each) for each in built.decode().splitlines(keepends=True))
    read = ManifestFile.parse(built)
    assert read.notes == ()
    assert [entry.name for entry in read.entries] == ["demo.ovf", "a (1).vmdk"]
    assert {entry.checksum for entry in read.entries} == {SUMS[kind]}
    assert read.of("demo.ovf", "other") == [ManifestEntry("demo.ovf", kind, SUMS[kind])]


@pytest.mark.parametrize(
    ("line", "is_odd"),
    [
        ("SHA256(disk.vmdk)= {}\n", False),
        ("SHA256(disk.vmdk)= {}\r\n", False),
        ("SHA256(./disk.vmdk)= {}\n", False),
        ("\ufeffSHA256(disk.vmdk)= {}", False),
        ("SHA256 (disk.vmdk) = {}\n", True),
        ("SHA2-256(disk.vmdk)= {}\n", True),
        ("sha256(disk.vmdk)={}\n", True),
        ("hello\nSHA256(disk.vmdk)= {}\n", True),
        ("CRC32(disk.vmdk)= 12345678\nSHA256(disk.vmdk)= {}\n", True),
        ("SHA256(disk.vmdk)= {}\nSHA256(disk.vmdk)= {}\n", True),
    ],
)
def test_forms_that_people_write(line: str, is_odd: bool) -> None:
    for digest in (SHA256, SHA256.upper()):
        read = ManifestFile.parse(line.replace("{}", digest).encode())
        assert read.entries == (ManifestEntry("disk.vmdk", "sha256", SHA256),)
        assert bool(read.notes) == is_odd


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SHA256(disk.vmdk)= \n", "line 1: SHA256 is 64 hex digits"),
        (f"\nSHA256(disk.vmdk)= {SHA256[:-1]}\n", "line 2: SHA256 is 64"),
        (f"SHA1(disk.vmdk)= {SHA256}\n", "SHA1 is 40 hex digits"),
        (f"SHA256(a)= {SHA256}\nSHA256(./a)= {SHA256[::-1]}", "'a' has another SHA256 in a line"),
        ("SHA256(a)= \0", "zero byte"),
        (b"SHA256(\xff)= ", "not UTF-8"),
    ],
)
def test_a_file_does_not_go_unverified_without_a_word(text: str | bytes, says: str) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(nfclease.PackageError, match=says) as raised:
        ManifestFile.parse(data, name="demo.mf")
    assert str(raised.value).startswith("demo.mf: ")


def test_an_empty_one_says_that_it_verifies_nothing() -> None:
    for text in (b"", b"\n\n", b"\xef\xbb\xbf"):
        read = ManifestFile.parse(text)
        assert read.entries == ()
        assert "nothing can be verified" in read.notes[0]


def test_what_vsphere_refuses_is_said_once() -> None:
    lines = "".join(f"SHA1 (disk-{number}.vmdk) = {SUMS['sha1']}\n" for number in range(30))
    read = ManifestFile.parse(lines.encode())
    assert len(read.entries) == 30
    (note,) = read.notes
    assert note.startswith("line 1, like 29 more, is not written exactly")


def test_sizes_are_bounded() -> None:
    with pytest.raises(nfclease.LimitExceededError, match="size of a manifest file"):
        ManifestFile.parse(b"\n" * (1024 * 1024 + 1))
    assert len(ManifestFile.parse(b"x\n" * 100_000).notes) < 100


@pytest.mark.parametrize(
    ("name", "kind", "digest"),
    [
        ("", "sha1", SUMS["sha1"]),
        ("a\nb", "sha1", SUMS["sha1"]),
        ("a", "md5", "00" * 16),
        ("a", "sha1", "12"),
    ],
)
def test_what_would_be_no_line_is_not_written(name: str, kind: str, digest: str) -> None:
    with pytest.raises(ValueError, match="manifest file"):
        ManifestFile.build([ManifestEntry(name, kind, digest)])  # type: ignore[arg-type]
