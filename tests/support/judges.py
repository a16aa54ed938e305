"""Readers of disks that nobody here wrote, each in a process of its own.

Where one cannot be had, its tests are not run.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from .genuine import CACHE
from .qemu import TIMEOUT, program

HERE = Path(__file__).resolve().parents[1] / "judges"


@dataclass(frozen=True)
class Judge:
    """A reader of disks.

    Args:
        name: What it is called.
        formats: What it reads, in the words of qemu.
        command: Makes the command that reads a disk of a format: it prints the SHA-256 of the
            plain content, or the content itself.
        prints_content: Whether it prints the content.
    """

    name: str
    formats: tuple[str, ...]
    command: Callable[[Path, str], list[str]]
    prints_content: bool = False

    def digest(self, disk: Path, format: str) -> str:
        """The SHA-256 of the plain content, as this reader reads it.

        Raises:
            AssertionError: It cannot read it.
        """
        command = self.command(disk, format)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said, errors = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0, f"{self.name}: {errors.decode(errors='replace')[-500:]}"
        return hashlib.sha256(said).hexdigest() if self.prints_content else said.decode().strip()


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def by_7zip(disk: Path, format: str) -> list[str]:
    kind = {"vmdk": "vmdk", "qcow2": "qcow"}[format]
    return [program("7zz", "7z"), "e", "-so", f"-t{kind}", str(disk)]


def by_qemu(disk: Path, format: str) -> list[str]:
    # It writes to no pipe: the script prints the sum of what it made.
    script = (
        "plain=$(mktemp) && trap 'rm -f \"$plain\"' EXIT && "
        '"$1" convert -f "$2" -O raw "$3" "$plain" && sha256sum <"$plain" | cut -d" " -f1'
    )
    return ["bash", "-c", script, "bash", program("qemu-img"), format, str(disk)]


def by_pypi(library: str) -> Callable[[Path, str], list[str]]:
    def command(disk: Path, format: str) -> list[str]:
        return [str(interpreter()), str(HERE / "of_pypi.py"), library, format, str(disk)]

    return command


def by_crate(library: str) -> Callable[[Path, str], list[str]]:
    return lambda disk, _format: [str(crates()), library, str(disk)]


JUDGES = [
    Judge("qemu-img", ("vmdk", "qcow2"), by_qemu),
    Judge("7zip", ("vmdk", "qcow2"), by_7zip, prints_content=True),
    Judge("libvmdk", ("vmdk",), by_pypi("libvmdk")),
    Judge("dissect", ("vmdk", "qcow2"), by_pypi("dissect")),
    Judge("vmdk-core", ("vmdk",), by_crate("vmdk-core")),
    # Of VMDK it reads flat extents alone.
    Judge("imago", ("qcow2",), by_crate("imago")),
]


def interpreter() -> Path:
    """The Python that has the libraries of PyPI; made once."""
    wanted = HERE / "requirements.txt"
    place = (
        CACHE / f"judges-{digest_of(wanted)[:8]}-{sys.version_info.major}.{sys.version_info.minor}"
    )
    python = place / "bin" / "python"
    with _alone():
        if not (place / "ready").exists():
            shutil.rmtree(place, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(wanted)]
            done = subprocess.run(install, capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"not run: {wanted.name} cannot be had: {done.stderr[-200:]}")
            (place / "ready").touch()
    return python


def crates() -> Path:
    """The program over the libraries of crates.io; built where something changed."""
    cargo = program("cargo")
    manifest = ["--locked", "--manifest-path", str(HERE / "Cargo.toml")]
    target = CACHE / "judges-target"
    # Flags for the product's own build are not for this one.
    environment = {key: value for key, value in os.environ.items() if key != "RUSTFLAGS"}
    with _alone():
        fetch = [cargo, "fetch", "--quiet", *manifest]
        done = subprocess.run(fetch, capture_output=True, text=True, env=environment)
        if done.returncode:
            pytest.skip(f"not run: the crates cannot be had: {done.stderr[-200:]}")
        build = [cargo, "build", "--quiet", "--release", *manifest, "--target-dir", str(target)]
        subprocess.run(build, check=True, env=environment)
    return target / "release" / "nfclease-judges"


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time installs something."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / ".judges.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
