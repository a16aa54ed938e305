"""``nfclease export --resume``: what it says of what is kept, and what it goes with."""

from __future__ import annotations

from pathlib import Path

import pytest

import nfclease as package_api
from nfclease.simulator import Simulator

from ..support.command import Command, objects


@pytest.mark.parametrize("target", ["out", "out.ova"])
def test_the_same_line_again_goes_on(
    nfclease: Command, simulator: Simulator, tmp_path: Path, target: str
) -> None:
    for disk in ("disk-2", "disk-3"):
        simulator.inject("status", match=disk, code=404)
    line = ["export", "demo-vm", "-o", str(tmp_path / target), "--resume"]
    line += ["--max-concurrency", "1"]
    failed = nfclease(*line)
    folder = tmp_path / f".{target}.resume"
    assert failed.code == 1
    assert failed.stderr.endswith(f"1 disk is kept in {folder}; --resume goes on from there\n")
    simulator.reset()
    done = nfclease(*line, "--json")
    assert done.code == 0, done.stderr
    *files, summary = objects(done.stdout)
    assert [file["reused"] for file in files] == [True, False, False, False]
    came = sum(file["size"] for file in files[1:])
    assert summary["rate"] <= came / summary["seconds"] * 1.01 + 1
    assert package_api.verify(tmp_path / target)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["-o", "out", "--snapshot"], "another snapshot, whose disks are of another moment"),
        (["-o", "out", "--format", "raw"], "not with --format"),
        (["-o", "-"], "a pipe has no place beside it"),
    ],
)
def test_what_it_does_not_go_with(
    nfclease: Command, simulator: Simulator, options: list[str], text: str
) -> None:
    done = nfclease("export", "demo-vm", "--resume", *options)
    assert (done.code, done.stdout) == (2, "")
    assert text in done.stderr
    assert simulator.calls("ExportVm") == []
