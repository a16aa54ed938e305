"""Disks that are full, targets that take nothing, and readers that go away."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nfclease.simulator import Simulator

from ..support.command import Command, Done
from ..support.leases import endings

#: Less than one disk of the VM.
ROOM = 600_000


@contextmanager
def small(folder: Path, options: str) -> Iterator[Path]:
    """A file system in memory, where this user may mount one."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"not run: {error}")
    if done.returncode:
        pytest.skip(f"not run: no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def check_one_line(done: Done, *words: str, moved: bool = False) -> None:
    """And, of a transfer, a second one with its file, host and VM."""
    assert (done.code, done.stdout) == (1, "")
    line, *notes = done.stderr.splitlines()
    assert line.startswith("nfclease: ")
    for each in words:
        assert each in line
    if moved:
        assert re.search(r"\bdisk-\d\.vmdk at 127\.0\.0\.\d \(vm-\d+\)$", notes.pop())
    assert notes == []


@pytest.mark.parametrize("form", ["out", "out.ova"])
def test_a_disk_that_is_full(
    nfclease: Command, simulator: Simulator, folder: Path, form: str
) -> None:
    with small(folder, f"size={ROOM}"):
        done = nfclease("export", "/DC0/vm/demo-vm", "-o", folder / form, "-q")
        assert list(folder.iterdir()) == []
    check_one_line(done, str(folder / form), "No space left on device", moved=True)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_target_that_is_read_only(nfclease: Command, simulator: Simulator, folder: Path) -> None:
    with small(folder, "ro"):
        done = nfclease("export", "/DC0/vm/demo-vm", "-o", folder / "out.ova", "-q")
    check_one_line(done, str(folder / "out.ova"), "Read-only file system")
    assert simulator.leases() == []


def test_a_file_that_may_not_grow(nfclease: Command, simulator: Simulator, folder: Path) -> None:
    """As where the disk is full, for who may mount nothing; SIGXFSZ does not kill the command."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))

    target = folder / "out.ova"
    done = nfclease("export", "/DC0/vm/demo-vm", "-o", target, "-q", preexec_fn=limited)
    check_one_line(done, str(target), "File too large", moved=True)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(folder.iterdir()) == []


@contextmanager
def closed_pipe() -> Iterator[int]:
    """Standard output whose reader has gone."""
    reads, writes = os.pipe()
    os.close(reads)
    try:
        yield writes
    finally:
        os.close(writes)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--help"], ["ls"], ["ls", "--json"]], ids=" ".join)
def test_a_reader_that_has_gone(nfclease: Command, arguments: list[str], unbuffered: str) -> None:
    """As with ``| head -1``: nothing is wrong, and nothing is said."""
    with closed_pipe() as stdout:
        process = nfclease.start(*arguments, env={"PYTHONUNBUFFERED": unbuffered}, stdout=stdout)
    _, said = process.communicate()
    assert (process.returncode, said) == (0, "")


def test_a_standard_output_that_is_full(nfclease: Command) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("not run: no /dev/full here")
    with open("/dev/full", "wb") as stdout:
        process = nfclease.start("ls", stdout=stdout)
    _, said = process.communicate()
    assert process.returncode == 1
    assert said == "nfclease: standard output: No space left on device\n"


def test_an_archive_for_a_pipe_that_is_closed(nfclease: Command, simulator: Simulator) -> None:
    with closed_pipe() as stdout:
        process = nfclease.start("export", "/DC0/vm/demo-vm", "-o", "-", "-q", stdout=stdout)
    _, said = process.communicate()
    assert process.returncode == 1
    last = said.splitlines()[-1]
    assert last == "nfclease: standard output: who read the archive has ended before its end"
    assert "Traceback" not in said
    assert len(endings(simulator)) == 1
    assert {lease["state"] for lease in simulator.leases()} <= {"done", "error"}


def test_an_archive_by_a_pipe(nfclease: Command) -> None:
    command = f"{sys.executable} -m nfclease"
    line = f"{command} export /DC0/vm/demo-vm -o - -q | {command} verify - --json"
    done = subprocess.run(
        ["bash", "-c", line], env=nfclease.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert '"ok": true' in done.stdout.splitlines()[-1]
