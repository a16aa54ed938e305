"""Real files that nobody here wrote: fetched once, by name and version, into ``tests/.genuine``.

Where the package index or the Go modules are out of reach, the tests of them are not run.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import nfclease

from ..peers.build import GoMissingError, find_go

CACHE = Path(__file__).resolve().parents[1] / ".genuine"
#: A release of PyPI, with the SHA-256 of its source archive.
PYVCLOUD = (
    "pyvcloud==23.0.4",
    "7b733c00fc0e446dfa6ed3521ebfdc8adfed50b25b13e2ec3c0b9c61d1fd4950",
)
#: The same, with appliances that glance has to refuse.
GLANCE = (
    "glance==33.0.0",
    "f6483b580565836e412747ed247703e52a96b0cf168c732986ac595377c92678",
)
GOVMOMI = "github.com/vmware/govmomi@v0.56.0"
VCLOUD_DIRECTOR = "github.com/vmware/go-vcloud-director/v3@v3.0.0"
VCD_PROVIDER = "github.com/vmware/terraform-provider-vcd/v3@v3.14.1"


def pyvcloud_ova(name: str) -> bytes:
    """One of the appliances that pyvcloud's own tests use."""
    return _of_release(PYVCLOUD, f"system_tests/{name}")


def glance_ova(name: str) -> bytes:
    """One of the appliances that glance's own tests use."""
    return _of_release(GLANCE, f"glance/tests/var/{name}")


def _of_release(wanted: tuple[str, str], path: str) -> bytes:
    """A file of a source archive."""
    release, digest = wanted
    archive = CACHE / f"{release.replace('==', '-')}.tar.gz"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            _download(f"{release} --hash=sha256:{digest}")
    with tarfile.open(archive) as packed:
        member = packed.extractfile(f"{archive.name[:-7]}/{path}")
        assert member is not None
        return member.read()


def _download(requirement: str) -> None:
    wanted = CACHE / "wanted.txt"
    wanted.write_text(f"{requirement}\n")
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:"]
    command = [sys.executable, "-m", "pip", "download", *options, "--require-hashes"]
    done = subprocess.run(
        [*command, "--dest", str(CACHE), "-r", str(wanted)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"not run: {requirement.split()[0]} cannot be had: {done.stderr[-200:]}")


def pyvcloud_file(name: str) -> Path:
    """One of these appliances as a file."""
    path = CACHE / name
    if not path.exists():
        part = path.with_name(f"{os.getpid()}-{name}")
        part.write_bytes(pyvcloud_ova(name))
        part.rename(path)
    return path


def go_module_file(module: str, name: str, digest: str) -> Path:
    """A file of a Go module, which ``go`` keeps where it keeps all of them.

    Raises:
        AssertionError: Its SHA-256 is another one.
    """
    try:
        go = find_go()
    except GoMissingError as error:
        pytest.skip(f"not run: {error}")
    told = subprocess.run([go, "mod", "download", "-json", module], capture_output=True, text=True)
    if told.returncode:
        pytest.skip(f"not run: {module} cannot be had: {told.stdout[-200:]}")
    path = Path(json.loads(told.stdout)["Dir"], name)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    return path


def cut_file() -> Path:
    """A real truncation: 1 MiB of a disk of 10; the manifest file was made after the cut."""
    name = "vapi/library/testdata/ttylinux-pc_i486-16.1.ova"
    digest = "5e3fb341ec589b5c101fded3a14f634ed98f140a5fac504ea36e99419f87ae75"
    return go_module_file(GOVMOMI, name, digest)


def disk_of_package(package: Path, path: Path) -> Path:
    """The one disk of an archive, as the system's tar finds it, at this path."""
    [name] = [file.href for file in nfclease.inspect(package).files if file.href.endswith("vmdk")]
    with path.open("wb") as file:
        subprocess.run(["tar", "-xOf", package, name], stdout=file, check=True)
    return path


def govmomi_descriptors() -> dict[str, Path]:
    """The descriptors among govmomi's fixtures, VMware's own corpus with them."""
    try:
        go = find_go()
    except GoMissingError as error:
        pytest.skip(f"not run: {error}")
    told = subprocess.run([go, "env", "GOMODCACHE"], capture_output=True, text=True, check=True)
    root = Path(told.stdout.strip()) / GOVMOMI / "ovf" / "fixtures"
    if not root.is_dir():
        pytest.skip(f"not run: {GOVMOMI} is not among the Go modules here")
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() == ".ovf")
    return {os.fspath(path.relative_to(root)): path for path in found}
