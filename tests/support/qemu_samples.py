"""Disks among qemu's own tests, out of its source package: fetched once, by ``apt-get source``.

Which release that is does not matter: each disk is known by its SHA-256. Where there is no apt, or
its mirror is out of reach, the tests of them are not run.
"""

from __future__ import annotations

import bz2
import fcntl
import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from .genuine import CACHE

PACKAGE = "qemu"
FOLDER = "tests/qemu-iotests/sample_images"
#: Each disk, and the SHA-256 of it decompressed.
SAMPLES = {
    "iotest-version3.vmdk": "0b67f248809938335a6f9375a8a76b3079f7c7e355df2837d5e05c9b45aaad5c",
    "afl9.vmdk": "71996b27606bda1c6ae0c3294595b03d8ab896923688632fe254a127b4f651e4",
}


def qemu_sample(name: str) -> Path:
    """One of these disks, as a file.

    Raises:
        AssertionError: Its SHA-256 is another one.
    """
    CACHE.mkdir(exist_ok=True)
    path = CACHE / name
    with (CACHE / ".qemu.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _unpack(_source())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SAMPLES[name]
    return path


def _unpack(archive: Path) -> None:
    with tarfile.open(archive) as packed:
        for member in packed:
            name = member.name.partition("/")[2].removesuffix(".bz2")
            disk = name.removeprefix(f"{FOLDER}/")
            if disk in SAMPLES and (content := packed.extractfile(member)) is not None:
                (CACHE / disk).write_bytes(bz2.decompress(content.read()))
    shutil.rmtree(archive.parent)
    if missing := [name for name in SAMPLES if not (CACHE / name).exists()]:
        pytest.skip(f"not run: this release of {PACKAGE} has no {', '.join(missing)}")


def _source() -> Path:
    """The original archive of the package, from the mirrors that apt has for binary ones."""
    if not shutil.which("apt-get"):
        pytest.skip(f"not run: no apt-get, which has the sources of {PACKAGE}")
    folder = CACHE / "apt"
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    targets = [
        "indextargets",
        "--format",
        "$(SITE) $(RELEASE) $(COMPONENT)",
        "Created-By: Packages",
    ]
    places = dict.fromkeys(_apt(targets, folder).splitlines())
    (folder / "sources.list").write_text("".join(f"deb-src {place}\n" for place in places))
    own = {
        "Etc::SourceList": "sources.list",
        "Etc::SourceParts": "none",
        "State::Lists": "lists",
        "Cache": "cache",
    }
    here = [f"-oDir::{kind}={folder / name}" for kind, name in own.items()]
    _apt([*here, "--quiet", "update"], folder)
    _apt([*here, "--quiet", "--download-only", "source", PACKAGE], folder)
    return next(folder.glob(f"{PACKAGE}_*.orig.tar.*[!c]"))


def _apt(arguments: list[str], folder: Path) -> str:
    command = ["apt-get", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"not run: the sources of {PACKAGE} cannot be had: {done.stderr[-200:]}")
    return done.stdout
