"""Archives that others made, read here member by member: GNU tar, bsdtar and Python's tarfile."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from nfclease import _core, verify

from ..support.packages import ova, package, written

MEMBERS = package()


def made_by(command: list[str], directory: Path, archive: Path) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"not run: there is no {command[0]} here")
    subprocess.run([*command, str(archive), *MEMBERS], cwd=directory, check=True)


@pytest.mark.parametrize("form", ["v7", "oldgnu", "gnu", "ustar", "pax"])
def test_gnu_tar(form: str, tmp_path: Path) -> None:
    archive = tmp_path / "x.ova"
    made_by(["tar", f"--format={form}", "-cf"], written(tmp_path / "d", MEMBERS), archive)
    assert verify(archive), verify(archive).problems


@pytest.mark.parametrize("form", ["ustar", "gnutar", "pax"])
def test_bsdtar(form: str, tmp_path: Path) -> None:
    archive = tmp_path / "x.ova"
    made_by(["bsdtar", f"--format={form}", "-cf"], written(tmp_path / "d", MEMBERS), archive)
    assert verify(archive), verify(archive).problems


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_random_members_are_those_that_tarfile_sees(form: int, tmp_path: Path) -> None:
    chosen = random.Random(form)
    for _ in range(30):
        names = {
            "".join(chosen.choice("abcdé中 $%+~") for _ in range(chosen.randint(1, 40))) + ".vmdk"
            for _ in range(chosen.randint(0, 9))
        }
        if form != tarfile.USTAR_FORMAT:
            names.add("n" * chosen.randint(101, 250))
        members = {name: chosen.randbytes(chosen.choice([0, 1, 511, 512, 513, 5000]))
                   for name in sorted(names)}  # fmt: skip
        data = ova({"demo.ovf": MEMBERS["demo.ovf"], **members}, form)
        path = tmp_path / "x.ova"
        path.write_bytes(data)
        found = _core.Package.of_path(path).members
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            assert found == [(info.name, info.size) for info in archive.getmembers()]
