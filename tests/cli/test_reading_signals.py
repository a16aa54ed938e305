"""Ctrl-C, SIGTERM and SIGHUP at commands that read a package: from a pipe, from an address."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from nfclease.simulator import Simulator

from ..support.inventory import unique
from ..support.leases import endings
from ..support.packages import entry, ova, package, stream_disk
from ..support.web import serving
from .interrupting import SIGNALS, Interrupting, check_said

#: More than any pipe holds: once it is written, some of it has been read.
PART = 400_000


@pytest.fixture(scope="module")
def archive() -> bytes:
    """A package with one disk of 2 MB."""
    return ova(package({"a.vmdk": stream_disk(4000)}))


@pytest.mark.parametrize(
    ("command", "number"), [("verify", signal.SIGINT), ("inspect", signal.SIGHUP)]
)
def test_a_pipe_that_is_silent(
    interrupting: Interrupting, archive: bytes, command: str, number: int
) -> None:
    data = archive if command == "verify" else entry("demo.ovf", bytes(2 * PART))
    for _ in range(4):  # its end is a race with the thread that reads
        process = interrupting.start(command, "-", "--quiet", stdin=subprocess.PIPE)
        assert process.stdin is not None
        with process.stdin as pipe:
            os.write(pipe.fileno(), data[:PART])
            process.send_signal(number)
            check_said(interrupting.ended(), SIGNALS[number])


def test_an_import_from_a_pipe_that_is_silent(
    interrupting: Interrupting, simulator: Simulator, archive: bytes
) -> None:
    command = ["import", "-", "--pool", "/DC0/host/Cluster/Resources", "--name", unique("piped")]
    process = interrupting.start(*command, "--quiet", stdin=subprocess.PIPE)
    assert process.stdin is not None
    with process.stdin as pipe:
        os.write(pipe.fileno(), archive[:PART])
        process.send_signal(signal.SIGTERM)
        check_said(interrupting.ended(), SIGNALS[signal.SIGTERM])
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize(
    ("command", "number"), [("verify", signal.SIGTERM), ("inspect", signal.SIGINT)]
)
def test_an_address_that_is_silent(
    interrupting: Interrupting, archive: bytes, tmp_path: Path, command: str, number: int
) -> None:
    with serving({"x.ova": archive}, tmp_path, hold_after=100) as web:
        name: list[str | Path] = [web.url("x.ova"), "--ca-file", web.ca_file]
        process = interrupting.start(command, *name, "--quiet")
        interrupting.wait_for(web.held.is_set)
        process.send_signal(number)
        check_said(interrupting.ended(), SIGNALS[number])
