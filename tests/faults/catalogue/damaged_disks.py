"""V: disks that are damaged, cut or closed while they are read."""

from __future__ import annotations

import os
import random
import threading

import nfclease
from nfclease import (
    DiskFormatError,
    NfcError,
    image,
)

from ...support.disks import GRAIN, SECTOR, grains_of
from ..harness.case import case
from ..harness.disks import HERE, of_one_mib
from ..harness.world import World


@case(
    "V11",
    "a transplant of a disk with a damaged grain, with and without grains=True",
    "with it DiskFormatError that names the sector; without it the data are moved as they are, "
    "as the page on images says, and verify finds the damage",
    faces=HERE,
)
def damaged_transplant(world: World) -> None:
    source, _ = of_one_mib(world)
    data = bytearray(source.read_bytes())
    [at] = [at for at, sector, _ in grains_of(data) if sector == 3 * 128]
    data[at + 100] ^= 4
    source.write_bytes(data)
    image.convert(source, world.folder / "moved.qcow2", qcow2_compression="transplant")
    world.expect(not nfclease.verify(source, grains=True).ok, "verify finds it")
    with world.fails(DiskFormatError, says="sector 384", ends=()):
        image.convert(
            source, world.target / "new.qcow2", qcow2_compression="transplant", grains=True
        )


@case(
    "V13",
    "a disk that is cut at each of its sectors",
    "verify to the grain says of none that it is whole, and raises nothing that is not ours",
    faces=HERE,
    deadline=60.0,
)
def cut_at_each_sector(world: World) -> None:
    path, _ = of_one_mib(world)
    content = path.read_bytes()
    world.expect(nfclease.verify(path, grains=True).ok, "whole it is right")
    for length in range(0, len(content), SECTOR):
        path.write_bytes(content[:length])
        with world.reading(NfcError):
            found = nfclease.verify(path, grains=True)
            world.expect(not found.ok, f"{length} bytes are not all of it")


@case(
    "V14",
    "eight threads read a disk at any place, and it is closed under them",
    "each read has the right bytes, or is a ValueError that it is closed",
    faces=HERE,
)
def closed_under_threads(world: World) -> None:
    path, plain = of_one_mib(world)
    odd: list[str] = []
    file = image.open(path)
    begun = threading.Semaphore(0)

    def read(seed: int) -> None:
        chance = random.Random(seed)
        begun.release()
        while True:
            at = chance.randrange(len(plain))
            try:
                found = file.read_at(at, 5000)
            except ValueError:
                return
            except Exception as error:
                odd.append(repr(error))
                return
            if found != plain[at : at + 5000]:
                odd.append(f"other bytes at {at}")

    threads = [threading.Thread(target=read, args=[seed]) for seed in range(8)]
    for thread in threads:
        thread.start()
    for _ in threads:
        begun.acquire()
    file.read_at(0, 1)
    file.close()
    for thread in threads:
        thread.join()
    world.expect(not odd, f"nothing else came: {odd[:3]}")


@case(
    "V15",
    "a disk that is open is cut underneath",
    "an error of ours or an OSError for what is gone, and never other bytes",
    faces=HERE,
)
def cut_underneath(world: World) -> None:
    path, plain = of_one_mib(world)
    with image.open(path) as file:
        os.truncate(path, 140 * SECTOR)
        for at in range(0, len(plain), GRAIN):
            with world.reading(NfcError, OSError):
                found = file.read_at(at, GRAIN)
                world.expect(found == plain[at : at + GRAIN], f"the bytes at {at}")
    world.expect(world.texts, "what is gone is told")
