"""`image.normalise` of packages: the disks are VMware's then, and sizes and sums are theirs."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import image

from ..support.genuine_packages import PACKAGES
from ..support.made_disks import CAPACITY, by_qemu, by_vmware
from ..support.packages import descriptor, manifest, ova


def package_of_qemu(tmp_path: Path, kind: str = "sha1") -> dict[str, bytes]:
    """A descriptor, a manifest file, two disks and another file."""
    tmp_path.mkdir(exist_ok=True)
    disks = {name: by_qemu(tmp_path / name).read_bytes() for name in ("one.vmdk", "two.vmdk")}
    files = {**disks, "notes.nvram": b"nvram" * 100}
    for name in disks:
        (tmp_path / name).unlink()
    sizes = {name: len(data) for name, data in files.items()}
    text = descriptor(sizes, disks=list(disks), capacity=CAPACITY)
    members = {"x.ovf": text, **files}
    return {"x.ovf": text, "x.mf": manifest(members, kind), **files}


def as_source(tmp_path: Path, kind: str, members: dict[str, bytes]) -> Path:
    if kind == "archive":
        (tmp_path / "in.ova").write_bytes(ova(members))
        return tmp_path / "in.ova"
    folder = tmp_path / "in"
    folder.mkdir()
    for name, data in members.items():
        (folder / name).write_bytes(data)
    return folder if kind == "directory" else folder / "x.ovf"


def members_of(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        return {each.name: each.read_bytes() for each in path.iterdir()}
    with tarfile.open(path) as archive:
        found = {}
        for member in archive.getmembers():
            file = archive.extractfile(member)
            assert file is not None
            found[member.name] = file.read()
        return found


@pytest.mark.parametrize("target", ["out.ova", "out"])
@pytest.mark.parametrize("kind", ["archive", "directory", "descriptor"])
def test_a_package(
    normalise: Callable[..., image.Normalised], tmp_path: Path, kind: str, target: str
) -> None:
    before = package_of_qemu(tmp_path)
    source = as_source(tmp_path, kind, before)
    there = set(os.listdir(tmp_path))
    made = normalise(source, tmp_path / target, grains=True)
    assert set(os.listdir(tmp_path)) == there | {target}
    assert made.notes == ()
    result = nfclease.verify(tmp_path / target, grains=True, strict=True)
    assert result.ok, result.problems
    assert [disk.directory_in_front for disk in result.disks] == [False, False]
    assert {file.checksum_type for file in result.files} == {"sha1"}
    after = members_of(tmp_path / target)
    assert after.keys() == before.keys()
    assert list(after)[:2] == ["x.ovf", "x.mf"] or target == "out"
    assert after["notes.nvram"] == before["notes.nvram"]
    sizes = {file.href: file.size for file in nfclease.inspect(tmp_path / target).files}
    assert sizes == {name: len(after[name]) for name in sizes}
    assert [(file.name, file.disk) for file in made.files] == [
        ("one.vmdk", True),
        ("two.vmdk", True),
        ("notes.nvram", False),
    ]
    number = re.compile(rb'size="\d+"')
    texts = [number.sub(b"", members["x.ovf"]).rstrip(b"\n") for members in (before, after)]
    assert texts[0] == texts[1]
    assert after["one.vmdk"][-512:] == bytes(512)
    assert after["one.vmdk"][-1024:-1020] == b"KDMV"


def test_a_wrong_sum_makes_nothing(
    normalise: Callable[..., image.Normalised], tmp_path: Path
) -> None:
    """New sums of damaged bytes would make them look right."""
    for number, name in enumerate(("x.ovf", "two.vmdk", "notes.nvram")):
        members = package_of_qemu(tmp_path)
        if name == "x.ovf":
            members[name] = members[name].replace(b"64MB", b"65MB")
        elif name == "two.vmdk":
            data = bytearray(members[name])
            data[struct.unpack_from("<Q", data, 64)[0] * 512 + 3000] ^= 4
            members[name] = bytes(data)
        else:
            members[name] = members[name].replace(b"nvram", b"nvrum")
        folder = tmp_path / str(number)
        folder.mkdir()
        source = as_source(folder, "archive", members)
        for target in ("out.ova", "out"):
            with pytest.raises(nfclease.ChecksumMismatchError, match=re.escape(name)) as caught:
                normalise(source, folder / target)
            assert caught.value.checksum_type == "sha1"
            assert os.listdir(folder) == ["in.ova"]


def test_a_signature_and_what_is_not_of_the_package(tmp_path: Path) -> None:
    members = package_of_qemu(tmp_path, "sha256")
    members["x.cert"] = b"-----BEGIN CERTIFICATE-----"
    members["readme.txt"] = b"read me"
    source = as_source(tmp_path, "archive", members)
    made = image.normalise(source, tmp_path / "out.ova")
    assert len(made.notes) == 2
    assert ".cert" in made.notes[1]
    assert "readme.txt" in made.notes[0]
    assert members_of(tmp_path / "out.ova").keys() == members.keys() - {"x.cert", "readme.txt"}
    assert nfclease.verify(tmp_path / "out.ova", strict=True).ok


def test_a_package_without_a_manifest_file(tmp_path: Path) -> None:
    members = package_of_qemu(tmp_path)
    del members["x.mf"]
    made = image.normalise(as_source(tmp_path, "archive", members), tmp_path / "out.ova")
    assert "sha256" in made.notes[0]
    result = nfclease.verify(tmp_path / "out.ova", strict=True)
    assert result.ok
    assert {file.checksum_type for file in result.files} == {"sha256"}


def test_in_place_of_a_package(normalise: Callable[..., image.Normalised], tmp_path: Path) -> None:
    members = package_of_qemu(tmp_path)
    for kind in ("archive", "directory"):
        source = as_source(tmp_path, kind, members)
        there = os.listdir(tmp_path)
        with pytest.raises(FileExistsError):
            normalise(source, source)
        normalise(source, source, overwrite=True)
        assert os.listdir(tmp_path) == there
        assert nfclease.verify(source, grains=True, strict=True).ok


def test_what_cannot_be_written_anew(tmp_path: Path) -> None:
    members = package_of_qemu(tmp_path)
    del members["x.mf"]
    text = members["x.ovf"]
    for old, new, match in [
        (b'href="one.vmdk"', b'href="one.vmdk" ovf:chunkSize="7"', "chunks"),
        (b'href="one.vmdk"', b'href="one.vmdk" ovf:compression="gzip"', "gzip"),
        (b'href="one.vmdk"', b'href="a/one.vmdk"', "folder"),
        (b'href="one.vmdk"', b'href="../one.vmdk"', "leaves"),
    ]:
        assert old in text
        (tmp_path / "in.ova").write_bytes(ova({**members, "x.ovf": text.replace(old, new, 1)}))
        with pytest.raises(nfclease.PackageError, match=match):
            image.normalise(tmp_path / "in.ova", tmp_path / "out.ova")
    assert os.listdir(tmp_path) == ["in.ova"]


@pytest.mark.parametrize("name", PACKAGES)
def test_genuine_packages(tmp_path: Path, name: str) -> None:
    """Their disks come out as they were, and whatever is odd about the rest does no harm."""
    source, target = PACKAGES[name].path(), tmp_path / "out.ova"
    if name == "in chunks":
        with pytest.raises(nfclease.PackageError, match="chunks"):
            image.normalise(source, target)
        return
    made = image.normalise(source, target, grains=True)
    result = nfclease.verify(target, grains=True)
    assert result.ok, result.problems
    assert len(result.disks) == sum(file.disk for file in made.files) > 0
    assert all(file.size == file.old_size for file in made.files)
    before, after = nfclease.inspect(source), nfclease.inspect(target)
    assert (after.disks, after.systems, after.networks) == (
        before.disks,
        before.systems,
        before.networks,
    )


def test_a_limit_of_the_system(tmp_path: Path) -> None:
    """A write that fails is an error of the system's, and leaves what was there."""
    source = by_qemu(tmp_path / "in.vmdk")
    (tmp_path / "x.ova").write_bytes(b"old")
    (tmp_path / "in.ova").write_bytes(ova(package_of_qemu(tmp_path / "made")))
    there = sorted(os.listdir(tmp_path))
    code = (
        "import errno, resource, signal, sys; from nfclease import image\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "try: image.normalise(*sys.argv[1:], overwrite=True)\n"
        "except OSError as error: print(errno.errorcode[error.errno])"
    )
    for paths in ((source, tmp_path / "x.vmdk"), (tmp_path / "in.ova", tmp_path / "x.ova")):
        done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True)
        assert done.stdout == "EFBIG\n", done.stderr
        assert sorted(os.listdir(tmp_path)) == there
    assert (tmp_path / "x.ova").read_bytes() == b"old"


def test_wrong_arguments(tmp_path: Path) -> None:
    disk = by_vmware(tmp_path / "disk.vmdk")
    (tmp_path / "in.ova").write_bytes(ova(package_of_qemu(tmp_path)))
    cases: list[tuple[Path, str, dict[str, Any], type[Exception]]] = [
        (disk, "x.ova", {}, ValueError),
        (tmp_path / "in.ova", "x.vmdk", {}, ValueError),
        (disk, "x.vmdk", {"grains": 1}, TypeError),
        (disk, "x.vmdk", {"overwrite": "yes"}, TypeError),
        (disk, "x.vmdk", {"progress": 3}, TypeError),
        (tmp_path / "missing.vmdk", "x.vmdk", {}, FileNotFoundError),
        (disk, "missing/x.vmdk", {}, FileNotFoundError),
    ]
    for source, target, options, error in cases:
        with pytest.raises(error):
            image.normalise(source, tmp_path / target, **options)
    assert sorted(os.listdir(tmp_path)) == ["disk.vmdk", "in.ova"]
