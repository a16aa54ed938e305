"""`image.normalise`: what qemu-img wrote is, grain by grain, what VMware would have written."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import image

from ..support.disks import GRAIN, grains_of
from ..support.failing_calls import traced
from ..support.genuine import pyvcloud_file
from ..support.genuine_packages import PACKAGES
from ..support.made_disks import (
    CAPACITY,
    MAKERS,
    by_qemu,
    by_vmware,
    from_raw,
    grains,
    plain_bytes,
    tool,
)
from ..support.packages import descriptor, manifest, ova
from ..support.waiting import wait_for

MIB = 1 << 20


@pytest.fixture(params=["blocking", "asyncio"])
def normalise(request: pytest.FixtureRequest) -> Callable[..., image.Normalised]:
    if request.param == "blocking":
        return image.normalise

    def in_a_loop(*args: Any, **options: Any) -> image.Normalised:
        return asyncio.run(image.normalise_async(*args, **options))

    return in_a_loop


def compressed_grains(disk: bytes) -> dict[int, bytes]:
    """The compressed data of each grain, by its sector."""
    return {sector: disk[at + 12 : at + 12 + size] for at, sector, size in grains_of(disk)}


def same_content(one: Path, other: Path) -> None:
    compare = [tool("qemu-img"), "compare", "-f", "vmdk", "-F", "vmdk", str(one), str(other)]
    subprocess.run(compare, check=True, capture_output=True)


def sevenzip_opens(disk: Path) -> bool:
    done = subprocess.run([tool("7zz"), "t", "-tvmdk", str(disk)], capture_output=True)
    return done.returncode == 0


def is_normal(disk: Path) -> None:
    """The layout by its numbers, and to its last byte."""
    data = disk.read_bytes()
    magic, version, flags = struct.unpack_from("<4sII", data)
    assert (magic, version, flags) == (b"KDMV", 3, 0x30001)
    assert struct.unpack_from("<Q", data, 56) == (2**64 - 1,)
    footer, end = data[-1024:-512], data[-512:]
    assert end == bytes(512)
    assert (footer[:56], footer[64:]) == (data[:56], data[64:512])
    result = nfclease.verify(disk, grains=True)
    assert result.ok, result.problems
    [row] = result.disks
    assert (row.directory_in_front, row.end_marker) == (False, True)


@pytest.mark.parametrize("checks", [False, True])
def test_a_disk_of_qemu(
    normalise: Callable[..., image.Normalised], tmp_path: Path, checks: bool
) -> None:
    source, target = by_qemu(tmp_path / "in.vmdk"), tmp_path / "out.vmdk"
    assert not sevenzip_opens(source)
    made = normalise(source, target, grains=checks)
    is_normal(target)
    assert sevenzip_opens(target)
    same_content(source, target)
    with image.open(target) as file:
        assert file.read() == plain_bytes()
    [file_row] = made.files
    assert (made.path, made.notes, file_row.name) == (str(target), (), "in.vmdk")
    assert (file_row.old_size, file_row.size) == (source.stat().st_size, target.stat().st_size)
    assert (file_row.capacity, file_row.populated) == (CAPACITY, (len(grains()) - 1) * GRAIN)
    before, after = (compressed_grains(path.read_bytes()) for path in (source, target))
    last = CAPACITY // GRAIN * 128
    assert before.keys() == after.keys()
    assert len(zlib.decompress(before.pop(last))) < GRAIN == len(zlib.decompress(after.pop(last)))
    assert before == after
    assert sorted(os.listdir(tmp_path)) == ["in.vmdk", "out.vmdk"]


def test_what_is_normal_stays_the_same(tmp_path: Path) -> None:
    """A disk of VMware's is what it was, to the byte."""
    path = by_vmware(tmp_path / "in.vmdk")
    image.normalise(path, tmp_path / "out.vmdk")
    assert (tmp_path / "out.vmdk").read_bytes() == path.read_bytes()
    archive = pyvcloud_file("yVM_OS_with_VMTools.ova")
    [name] = [file.href for file in nfclease.inspect(archive).files if "disk" in file.href]
    with (tmp_path / "genuine.vmdk").open("wb") as out:
        subprocess.run(["tar", "-xOf", archive, name], stdout=out, check=True)
    image.normalise(tmp_path / "genuine.vmdk", tmp_path / "again.vmdk")
    assert (tmp_path / "again.vmdk").read_bytes() == (tmp_path / "genuine.vmdk").read_bytes()


@pytest.mark.parametrize("size", [0, GRAIN, 33 * MIB, 40 * MIB + 512])
def test_sizes(tmp_path: Path, size: int) -> None:
    raw = tmp_path / "raw"
    text = b"".join(b"%9d " % number for number in range(size // 40))
    raw.write_bytes(text.ljust(size - 3, b"\0") + b"end" if size else bytes(MIB))
    from_raw(raw, tmp_path / "in.vmdk")
    image.normalise(tmp_path / "in.vmdk", tmp_path / "out.vmdk")
    is_normal(tmp_path / "out.vmdk")
    assert sevenzip_opens(tmp_path / "out.vmdk")
    same_content(tmp_path / "in.vmdk", tmp_path / "out.vmdk")


def test_in_place(normalise: Callable[..., image.Normalised], tmp_path: Path) -> None:
    path = by_qemu(tmp_path / "disk.vmdk")
    with pytest.raises(FileExistsError):
        normalise(path, path)
    normalise(path, path, overwrite=True)
    is_normal(path)
    assert os.listdir(tmp_path) == ["disk.vmdk"]


@pytest.mark.parametrize("where", ["grain", "tables", "cut", "no disk"])
def test_a_damaged_disk_leaves_nothing(
    normalise: Callable[..., image.Normalised], tmp_path: Path, where: str
) -> None:
    path = by_qemu(tmp_path / "in.vmdk")
    data = bytearray(path.read_bytes())
    start = struct.unpack_from("<Q", data, 64)[0] * 512
    if where == "grain":
        data[start + 3000] ^= 4
    elif where == "tables":
        directory = struct.unpack_from("<Q", data, 56)[0] * 512
        data[struct.unpack_from("<I", data, directory)[0] * 512] ^= 1
    elif where == "cut":
        del data[start + 3000 :]
    else:
        data[:4] = b"COWD"
    path.write_bytes(data)
    target = tmp_path / "out.vmdk"
    target.write_bytes(b"old")
    with pytest.raises(nfclease.DiskFormatError, match=r"in\.vmdk"):
        normalise(path, target, grains=where == "grain", overwrite=True)
    assert target.read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["in.vmdk", "out.vmdk"]


def test_damage_in_a_grain_is_found_later(tmp_path: Path) -> None:
    """Unchecked, a grain is moved as it is, with the checksum that tells of the damage."""
    path = by_qemu(tmp_path / "in.vmdk")
    data = bytearray(path.read_bytes())
    data[struct.unpack_from("<Q", data, 64)[0] * 512 + 3000] ^= 4
    path.write_bytes(data)
    image.normalise(path, tmp_path / "out.vmdk")
    [row] = nfclease.verify(tmp_path / "out.vmdk", grains=True).disks
    assert (row.flaw, row.sectors) == ("damaged", (0, 128))


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
    (tmp_path / "one.vmdk").write_bytes(after["one.vmdk"])
    is_normal(tmp_path / "one.vmdk")


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


@traced
def test_ctrl_c(tmp_path: Path) -> None:
    """Each write takes a second here."""
    source, out = by_qemu(tmp_path / "in.vmdk"), tmp_path / "out"
    out.mkdir()
    strace = ["strace", "-f", "-qq", "-o", str(tmp_path / "trace"), "-e", "trace=write"]
    strace += ["-e", "inject=write:delay_enter=1000000", "-P", str(out / "disk.vmdk.part")]
    command = [sys.executable, "-m", "nfclease", "normalise", str(source), str(out / "disk.vmdk")]
    process = subprocess.Popen([*strace, *command])
    wait_for(lambda: (out / "disk.vmdk.part").exists())
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGINT)
    assert process.wait(60) == 130
    assert os.listdir(out) == []


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


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nfclease", "normalise", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_command(tmp_path: Path) -> None:
    source = MAKERS["qemu"](tmp_path / "in.vmdk")
    done = run("--json", source, tmp_path / "out.vmdk")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["command"], row["files"][0]["capacity"]) == ("normalise", CAPACITY)
    done = run(source, tmp_path / "out.vmdk")
    assert done.returncode == 1
    assert "--overwrite" in done.stderr
    done = run("--overwrite", source, tmp_path / "out.vmdk")
    assert "1 disk" in done.stdout
    os.truncate(source, source.stat().st_size // 2)
    assert run(source, tmp_path / "other.vmdk").returncode == 3


@pytest.mark.parametrize("maker", MAKERS)
def test_every_number_changed(tmp_path: Path, maker: str) -> None:
    """What comes of a changed header or table is refused, or right by itself."""
    path, target = MAKERS[maker](tmp_path / "in.vmdk"), tmp_path / "out.vmdk"
    whole = path.read_bytes()
    tables = struct.unpack_from("<Q", whole, 56)[0] * 512 if maker == "qemu" else len(whole) - 2600
    places = [*range(0, 80, 4), *range(tables, min(tables + 2600, len(whole)), 36)]
    refused = 0
    for at in places:
        for value in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF):
            data = bytearray(whole)
            struct.pack_into("<I", data, at, value)
            path.write_bytes(data)
            try:
                image.normalise(path, target, overwrite=True)
            except nfclease.DiskFormatError:
                refused += 1
                continue
            result = nfclease.verify(target, grains=True)
            assert result.ok, (at, value, result.problems)
    assert refused > len(places)
