"""File systems that a journal cannot be on, as their system calls answer: each is said plainly."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nfclease.fleet import Journal

from ..support.failing_calls import traced
from ..support.journals import outcome

OPENS = """
import sys
from nfclease import JournalError
from nfclease.fleet import Journal
try:
    Journal(sys.argv[1]).close()
except JournalError as error:
    print(type(error).__name__, error)
"""


def said(path: Path, fault: str, suffix: str) -> str:
    """How a journal there is opened where a call fails on one of its files."""
    strace = [shutil.which("strace") or "", "-f", "-qq", "-o", "/dev/null"]
    strace += ["-e", f"trace={fault.partition(':')[0]}", "-e", f"inject={fault}"]
    done = subprocess.run(
        [*strace, "-P", f"{path}{suffix}", sys.executable, "-c", OPENS, str(path)],
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@traced
@pytest.mark.parametrize(
    ("fault", "suffix", "text"),
    [
        # NFS without a lock service.
        ("fcntl:error=ENOLCK", ".lock", "its file system has no locks, such as NFS without a lock"),
        ("fcntl:error=ENOLCK", "", "its file system has no locks: then put it on a local one"),
        # Those that know no locks at all.
        ("fcntl:error=EOPNOTSUPP", ".lock", "It needs a file system with locks"),
        # Those without shared memory, which the write-ahead log needs.
        ("mmap:error=ENODEV", "-shm", "or is not a local one"),
    ],
)
def test_what_is_said_of_it(tmp_path: Path, fault: str, suffix: str, text: str) -> None:
    path = tmp_path / "nightly.db"
    found = said(path, fault, suffix)
    assert found.startswith("JournalError the journal "), found
    assert str(path) in found
    assert text in found
    with Journal(path) as journal:  # what was left is in nobody's way
        journal.end(outcome("a"))
