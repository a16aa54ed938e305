"""What tools that nobody here wrote say of the packages that are written."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from nfclease import ExportResult, export_vm
from nfclease.simulator import Simulator

from ..peers.run import Vcsim, govc
from ..support.inventory import connected, demo_vm_of, unique


def judge(name: str, *args: object) -> str:
    """What a tool says; it must be content."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"not run: no {name} here")
    done = subprocess.run([path, *map(str, args)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


SIMULATOR = {"stable_streams": True}

#: What is written, and the algorithm of its manifest file.
DIRECTORIES = [("directory", "sha1"), ("directory", "sha256"), ("directory", "sha512")]
OVAS = [("demo.ova", "sha1"), ("demo.ova", "sha256"), ("demo.ova", "sha512")]


@pytest.fixture(scope="module", params=[*DIRECTORIES, *OVAS], ids=" ".join)
def package(
    request: pytest.FixtureRequest,
    shared_simulator: Simulator,
    tmp_path_factory: pytest.TempPathFactory,
) -> ExportResult:
    """The demo VM with its CD."""
    name, algorithm = request.param
    for service in connected(shared_simulator):
        made = export_vm(
            demo_vm_of(service),
            tmp_path_factory.mktemp("package") / name,
            include=["*.nvram", "*.iso"],
            manifest=algorithm,
        )
    return made


@pytest.fixture(scope="module")
def folder(package: ExportResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its files, those of an archive by Python's tarfile."""
    assert package.path is not None
    if Path(package.path).is_dir():
        return Path(package.path)
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(package.path) as ova:
        ova.extractall(folder, filter="data")
    return folder


archives = pytest.mark.parametrize("package", OVAS, ids=" ".join, indirect=True, scope="module")


def sums(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@archives
def test_tarfile(package: ExportResult, folder: Path) -> None:
    assert package.path is not None
    with tarfile.open(package.path) as archive:
        members = archive.getmembers()
        assert archive.pax_headers == {}
    assert [member.name for member in members] == [
        package.descriptor,
        package.manifest,
        *(file.name for file in package.files),
    ]
    for member in members:
        assert member.isreg()
        assert (member.mode, member.pax_headers, member.mtime % 1) == (0o644, {}, 0)
    for file in package.files:
        digest = hashlib.new(file.checksum_type, (folder / file.name).read_bytes())
        assert digest.hexdigest() == file.checksum


@archives
@pytest.mark.parametrize("name", ["tar", "bsdtar"])
def test_tar(package: ExportResult, folder: Path, tmp_path: Path, name: str) -> None:
    judge(name, "-x", "-f", package.path, "-C", tmp_path)
    assert sums(tmp_path) == sums(folder)


def test_sha_sums(package: ExportResult, folder: Path, tmp_path: Path) -> None:
    """By the sed that people use."""
    assert package.manifest is not None
    lines = (folder / package.manifest).read_text("ascii").splitlines()
    assert len(lines) == len(package.files) + 1
    algorithm = package.files[0].checksum_type
    listed = tmp_path / "sums"
    listed.write_text(
        "".join(re.sub(r"^SHA\d+\((.*)\)= (.*)$", r"\2  \1\n", line) for line in lines)
    )
    tool = shutil.which(f"{algorithm}sum")
    if tool is None:
        pytest.skip(f"not run: no {algorithm}sum here")
    done = subprocess.run(
        [tool, "--check", "--strict", listed], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK\n") == len(lines)


@pytest.mark.parametrize("target", ["simulator", "vcsim"])
def test_govc(
    package: ExportResult, shared_simulator: Simulator, vcsim: Vcsim, target: str
) -> None:
    """Go's archive/tar and govc's own reading of descriptors.

    `-m` compares the manifest file with what the server lists, which is SHA-1 unless asked.
    """
    assert package.path is not None
    name = unique("by-govc")
    environment = vcsim.govc_env if target == "vcsim" else environment_of(shared_simulator)
    command, path = "import.ova", package.path
    if Path(path).is_dir():
        command, path = "import.ovf", str(Path(path, package.descriptor))
    listed = target == "simulator" and package.files[0].checksum_type == "sha1"
    options = ["-m"] if listed else []
    done = govc(command, *options, "-name", name, path, env=environment)
    assert done.returncode == 0, done.stderr
    if target == "simulator":
        entries = shared_simulator.vm_files(name)
        sizes = sorted(entry["received"][0] for entry in entries if entry["received"])
        assert sizes == sorted(file.size for file in package.files)


def environment_of(simulator: Simulator) -> dict[str, str]:
    return {
        "GOVC_URL": simulator.url,
        "GOVC_USERNAME": simulator.user,
        "GOVC_PASSWORD": simulator.password,
        "GOVC_TLS_CA_CERTS": str(simulator.ca_file),
        "GOVC_PERSIST_SESSION": "false",
    }


def test_qemu_img(package: ExportResult, folder: Path) -> None:
    for file in package.files:
        if file.disk:
            judge("qemu-img", "check", "-f", "vmdk", folder / file.name)
            told = judge("qemu-img", "info", "--output=json", folder / file.name)
            about: dict[str, Any] = json.loads(told)
            assert about["virtual-size"] == file.capacity
            assert about["format-specific"]["data"]["create-type"] == "streamOptimized"


def test_xmllint(package: ExportResult, folder: Path) -> None:
    judge("xmllint", "--noout", "--nonet", folder / package.descriptor)


def test_cot(package: ExportResult, folder: Path) -> None:
    path = Path(str(package.path))
    told = judge("cot", "info", folder / package.descriptor if path.is_dir() else path)
    for file in package.files:
        assert file.name in told
