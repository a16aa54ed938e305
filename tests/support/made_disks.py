"""The same disk by several makers."""

from __future__ import annotations

import random
from pathlib import Path

from .disks import GRAIN, stream
from .qemu import stream_by_qemu

MIB = 1 << 20
#: Three tables, and a last grain that is cut short by the end of the disk.
CAPACITY = 70 * MIB + 3 * 512


def grains(seed: int = 1) -> dict[int, bytes]:
    """Text, noise and zeros, in the first and the last grain and in several tables."""
    chance = random.Random(seed)
    found = {number: chance.randbytes(GRAIN) for number in (0, 3, 511, 512, 1000)}
    found[4] = b"text that is compressed well " * 2000
    found[600] = bytes(GRAIN)
    found[CAPACITY // GRAIN] = b"the last sectors".ljust(3 * 512, b".")
    return found


def plain_bytes() -> bytes:
    """All bytes of the disk."""
    plain = bytearray(CAPACITY)
    for number, data in grains().items():
        at = number * GRAIN
        plain[at : at + len(data)] = data
    return bytes(plain[:CAPACITY])


def by_vmware(path: Path) -> Path:
    """In VMware's layout, with tables behind their grains."""
    path.write_bytes(stream(grains(), CAPACITY))
    return path


def by_qemu(path: Path) -> Path:
    """By qemu-img, with tables in front, a short last grain and no end."""
    raw = path.with_suffix(".plain")
    raw.write_bytes(plain_bytes())
    stream_by_qemu(raw, path)
    raw.unlink()
    return path


MAKERS = {"vmware": by_vmware, "qemu": by_qemu}
