"""Disks with a bit flipped, or cut: it is found, or nothing of the content is changed.

The unit tests of `src/image/check` do that with each bit of small disks of the same layouts.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import nfclease
from nfclease import image

from ..support.disks import GRAIN, stream
from ..support.judges import digest_of
from ..support.qemu import program, stream_by_qemu

MIB = 1 << 20
#: Flips and cuts of each disk; those of a byte that is not zero count most.
ROUNDS = 400


def content(path: Path) -> Path:
    """A disk of 3 MiB and a bit, with data at both its ends."""
    chance = random.Random(4)
    with path.open("wb") as file:
        file.truncate(3 * MIB + 512)
        file.write(b"text of a kind that is compressed well\n" * 500)
        file.seek(5 * GRAIN)
        file.write(chance.randbytes(3000))
        file.seek(3 * MIB)
        file.write(b"the last sector")
    return path


def by_open_vmdk(raw: Path, disk: Path) -> None:
    command = [program("vmdk-convert"), str(raw), str(disk)]
    subprocess.run(command, check=True, capture_output=True)


def by_layout_of_vmware(raw: Path, disk: Path) -> None:
    data = raw.read_bytes()
    pieces = {at // GRAIN: data[at : at + GRAIN] for at in range(0, len(data), GRAIN)}
    disk.write_bytes(stream({n: each for n, each in pieces.items() if any(each)}, len(data)))


MAKERS: dict[str, Callable[[Path, Path], None]] = {
    "qemu-img": stream_by_qemu,
    "open-vmdk": by_open_vmdk,
    "VMware": by_layout_of_vmware,
}


@pytest.fixture(params=MAKERS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[bytes, str]:
    """A disk, and the sum of its content."""
    raw, disk = content(tmp_path / "content.raw"), tmp_path / "made.vmdk"
    MAKERS[request.param](raw, disk)
    assert nfclease.verify(disk, grains=True).ok
    data = disk.read_bytes()
    disk.unlink()
    expected = digest_of(raw)
    raw.unlink()
    return data, expected


def is_found_or_harmless(data: bytes, expected: str, folder: Path) -> str:
    """Which of the two."""
    disk, raw = folder / "disk.vmdk", folder / "disk.raw"
    disk.write_bytes(data)
    result = nfclease.verify(disk, grains=True)
    if result.ok:
        image.convert(disk, raw, overwrite=True)
        return "harmless" if digest_of(raw) == expected else "not found"
    [row] = result.disks
    assert row.flaw in ("damaged", "cut", "format")
    with pytest.raises(nfclease.DiskFormatError):
        image.convert(disk, raw, overwrite=True)
    return "found"


def test_flipped_bits(made: tuple[bytes, str], tmp_path: Path) -> None:
    data, expected = made
    chance = random.Random(5)
    used = [at for at, byte in enumerate(data) if byte]
    places = chance.sample(used, ROUNDS * 4 // 5)
    places += [chance.randrange(len(data)) for _ in range(ROUNDS // 5)]
    verdicts = []
    for at in places:
        changed = bytearray(data)
        changed[at] ^= 1 << chance.randrange(8)
        verdicts.append(is_found_or_harmless(bytes(changed), expected, tmp_path))
        assert verdicts[-1] != "not found", at
    # Comments and names in the descriptor.
    assert verdicts.count("harmless") < ROUNDS // 4


def test_cuts(made: tuple[bytes, str], tmp_path: Path) -> None:
    data, expected = made
    last = len(data.rstrip(b"\0"))
    chance = random.Random(6)
    ends = {chance.randrange(last) for _ in range(ROUNDS // 2)}
    ends |= set(range(0, last, 512))
    for end in ends:
        assert is_found_or_harmless(data[:end], expected, tmp_path) == "found", end
    for end in range(last, len(data), 512):
        assert is_found_or_harmless(data[:end], expected, tmp_path) != "not found", end
