"""Drivers that die by kill -9 at any moment, and two drivers on one journal."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nfclease import JournalInUseError
from nfclease.fleet import Journal
from nfclease.fleet.status import read_driver

from ..support.journals import started, states

SCRIPT = Path(__file__).parents[1] / "support" / "journal_driver.py"
ROUNDS = 30


def driver(path: Path, folder: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(path), str(folder), name, "-"],
        stdout=subprocess.PIPE,
        text=True,
    )


def killed_after(process: subprocess.Popen[str], lines: int, seconds: float) -> list[list[str]]:
    """Kills it so long after so many lines; what it had said by then."""
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(lines)]
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()  # communicate() would leave out what readline() has buffered
    assert process.wait(60) == -signal.SIGKILL
    return [line.split() for line in [*said, *rest.splitlines()] if line.strip()]


def test_kill_9_at_any_moment_loses_nothing_and_makes_nothing_up(tmp_path: Path) -> None:
    """30 drivers after one another, each killed; rows of all of them are looked at each time."""
    path, folder = tmp_path / "nightly.db", tmp_path / "backup"
    folder.mkdir()
    chance = random.Random(20261128)
    ended: list[str] = []
    open_before: set[str] = set()
    for number in range(ROUNDS):
        process = driver(path, folder, f"round{number}")
        # Some while they open the journal, the others in the middle of their work.
        lines = 0 if number % 3 == 0 else chance.randint(1, 40)
        seconds = chance.uniform(0.05, 0.4) if lines == 0 else chance.uniform(0, 0.02)
        said = killed_after(process, lines, seconds)
        acknowledged = [line[1] for line in said if line[0] == "ended"]
        running = {line[1] for line in said if line[0] == "started"} - {*acknowledged}
        if path.exists():
            assert "running" not in states(path).values()  # nobody drives
        with Journal(path) as journal:
            outcomes = [each.key for each in journal.outcomes()]
            # One call may have done its work without having come back.
            more = outcomes[len(ended) + len(acknowledged) :]
            assert outcomes == ended + acknowledged + more
            assert len(more) <= 1
            for key in outcomes:
                done = journal.done(key, verify=True)
                assert done is not None
                assert done.attempts == 2
            interrupted = {*journal.interrupted()}
            assert running - {*more} <= interrupted
            assert len(interrupted - open_before - running) <= 1
            for key in interrupted:  # also where the target has its name and all of its bytes
                assert journal.done(key) is None
            assert {*states(path)} >= {*outcomes} | interrupted
        ended, open_before = outcomes, interrupted
    assert len(ended) > ROUNDS
    assert any((folder / f"{key}.ova").exists() for key in open_before)


def test_a_second_driver_is_told_who_the_first_one_is(tmp_path: Path) -> None:
    path = tmp_path / "nightly.db"
    process = driver(path, tmp_path, "first")
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "opened first\n"
        with pytest.raises(JournalInUseError) as caught:
            Journal(path)
        assert caught.value.process == process.pid
        assert caught.value.host == socket.gethostname()
        assert f"process {process.pid} on {socket.gethostname()}, since 20" in str(caught.value)
        assert str(path) in str(caught.value)
        running = read_driver(path)
        assert running is not None
        assert running.process == process.pid
        link = tmp_path / "link.db"
        link.symlink_to(path)
        with pytest.raises(JournalInUseError):
            Journal(link)  # by another name, too
    finally:
        process.kill()
        process.communicate()
    assert read_driver(path) is None
    with Journal(path) as journal:  # at once: the lock died with its process
        started(journal, "second")
        with pytest.raises(JournalInUseError) as caught:
            Journal(path)  # nor twice in one process
        assert caught.value.process == os.getpid()
        assert states(path)["second"] == "running"


def test_a_look_at_the_state_keeps_no_driver_out(tmp_path: Path) -> None:
    path = tmp_path / "nightly.db"
    Journal(path).close()
    looks = "import sys; from nfclease.fleet.status import read_driver, read_status\n"
    looks += "print(flush=True)\nwhile True: read_driver(sys.argv[1]); [*read_status(sys.argv[1])]"
    process = subprocess.Popen(
        [sys.executable, "-c", looks, str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "\n"
        for number in range(50):
            with Journal(path) as journal:
                started(journal, f"job {number}")
        assert process.poll() is None, "it fails where a driver opens or closes the journal"
    finally:
        process.kill()
        process.communicate()
    assert [*states(path).values()] == ["interrupted"] * 50
