"""Whether a journal takes a job as done: its files did not change, and no attempt is open."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from nfclease.fleet import Journal, WrittenFile

from ..support.journals import outcome, planned, started, written
from ..support.packages import ova, package


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nightly.db"


def found_by_verify_alone(path: Path, file: WrittenFile, at: int) -> None:
    """Changes a byte of a file that was done, and nothing of its size and time."""
    before = os.stat(file.path)
    with Journal(path) as journal:
        journal.end(outcome("a", files=(file,)))
        assert journal.done("a", verify=True) is not None
        with Path(file.path).open("r+b") as opened:
            opened.seek(at)
            [byte] = opened.read(1)
            opened.seek(at)
            opened.write(bytes([byte ^ 1]))
        os.utime(file.path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert journal.done("a") is not None
        assert journal.done("a", verify=True) is None


def test_what_was_done_is_done_while_its_files_are_as_they_were(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "web.ova"
    file.write_bytes(b"all of it")
    good = outcome("a", files=(written(file),))
    with Journal(path) as journal:
        assert journal.done("a") is None
        journal.end(outcome("a", "failed"))
        assert journal.done("a") is None
        journal.end(good)
        journal.end(outcome("a", "skipped"))
        assert journal.done("a") == good
        assert journal.done("A") is None
        before = os.stat(file)
        file.write_bytes(b"not of it")  # of the same size
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
        assert journal.done("a") is None
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert journal.done("a") == good
        with file.open("ab") as more:
            more.write(b".")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert journal.done("a") is None
        file.unlink()
        assert journal.done("a") is None
        file.mkdir()
        assert journal.done("a") is None


def test_one_missing_file_of_many_is_enough(path: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"disk-{number}.vmdk" for number in range(3)]
    for file in files:
        file.write_bytes(b"disk")
    with Journal(path) as journal:
        journal.end(outcome("a", files=tuple(map(written, files))))
        assert journal.done("a") is not None
        files[2].unlink()
        assert journal.done("a") is None


@pytest.mark.parametrize("kind", ["sha1", "sha256", "sha512"])
def test_digests_are_compared_where_that_is_asked_for(
    path: Path, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "disk.vmdk"
    file.write_bytes(bytes(3 << 20))
    file_sum = hashlib.new(kind, file.read_bytes()).hexdigest()
    found_by_verify_alone(path, written(file, kind, file_sum.upper()), at=2 << 20)


def test_a_digest_that_nobody_knows_and_none_prove_nothing(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "disk.vmdk"
    file.write_bytes(b"disk")
    with Journal(path) as journal:
        for job, kind, file_sum in (("a", "md99", "00"), ("b", "", "")):
            journal.end(outcome(job, files=(written(file, kind, file_sum),)))
            assert journal.done(job) is not None
            assert journal.done(job, verify=True) is None


def test_an_archive_without_a_digest_is_verified_by_what_is_in_it(
    path: Path, tmp_path: Path
) -> None:
    file = tmp_path / "web.ova"
    data = ova(package())
    file.write_bytes(data)
    # A disk's data, whose sum the archive has.
    found_by_verify_alone(path, written(file), at=data.index(b"KDMV") + 600)


def test_a_job_that_is_open_is_not_done_whatever_its_files_say(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "web.ova"
    file.write_bytes(b"all of it")
    with Journal(path) as journal:
        journal.end(outcome("a", files=(written(file),)))
        started(journal, "a", target=str(file))
        assert journal.done("a") is None
        planned(journal, "a")  # says nothing of that start
        assert journal.done("a") is None
        journal.end(outcome("a", "failed"))  # the target is kept by a failure
        assert journal.done("a") is not None
