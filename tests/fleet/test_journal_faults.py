"""Files that are not journals, journals that are damaged, and disks that fail under one."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nfclease import JournalError
from nfclease.fleet import Journal, read_status

from ..support.failing_calls import mounted, mounting, traced
from ..support.journals import outcome, started, states

SCRIPT = Path(__file__).parents[1] / "support" / "journal_driver.py"
#: A journal that the first version made, whose driver died.
FIRST_VERSION = Path(__file__).with_name("journal_version_1.sql").read_text()


def everything(path: Path) -> list[Any]:
    return [*read_status(path)]


@pytest.fixture(params=[Journal, everything], ids=["driver", "status"])
def use(request: pytest.FixtureRequest) -> Callable[[Path], object]:
    """Each of the two that open a journal."""
    made: Callable[[Path], object] = request.param
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of two hundred outcomes."""
    made = tmp_path / "nightly.db"
    with Journal(made) as journal:
        for number in range(200):
            journal.end(outcome(f"job {number}"))
    return made


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is not a database of nfclease"),
        (b"\0", "not a database"),
        (b"PK\3\4" + bytes(5000), "file is not a database"),
        (b"SQLite format 3\0" + bytes(84), "cannot be used"),
    ],
    ids=["empty", "a byte", "an archive", "a header alone"],
)
def test_another_file_is_refused_and_left_alone(
    tmp_path: Path, use: Callable[[Path], object], data: bytes, said: str
) -> None:
    file = tmp_path / "vm.ova"
    file.write_bytes(data)
    with pytest.raises(JournalError, match=said) as caught:
        use(file)
    assert str(file) in str(caught.value)
    assert file.read_bytes() == data
    assert [each.name for each in tmp_path.iterdir()] == ["vm.ova"]


def test_a_database_of_another_program_is_refused(
    tmp_path: Path, use: Callable[[Path], object]
) -> None:
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE jobs (key)")
    with pytest.raises(JournalError, match="give the journal another name"):
        use(file)


def test_a_newer_version_is_refused(path: Path, use: Callable[[Path], object]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 3")
    with pytest.raises(JournalError, match=r"has version 3, .* knows version 2: update nfclease"):
        use(path)


def test_one_of_the_first_version_is_read_and_becomes_one_of_this(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIRST_VERSION)
    assert states(path) == {"export web": "interrupted"}  # read as it is
    with Journal(path) as journal:
        assert journal.interrupted() == ["export web"]
        assert journal.leases("export web") == ()
        started(journal, "export web")
        journal.note_lease("export web", "task-12")
        assert journal.leases("export web") == ("task-12",)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchall() == [(2,)]


@pytest.mark.parametrize("text", ["{", "{}", "[1]", "7"])
def test_leases_that_nobody_wrote_are_an_error(path: Path, text: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE jobs SET leases = ? WHERE key = 'job 7'", (text,))
    with Journal(path) as journal:
        assert journal.leases("job 8") == ()
        with pytest.raises(JournalError, match=r"malformed \(a lease"):
            journal.leases("job 7")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_one_is_refused(path: Path, use: Callable[[Path], object], part: float) -> None:
    os.truncate(path, int(path.stat().st_size * part))
    with pytest.raises(JournalError, match=r"malformed.*move it away"):
        use(path)


def test_a_damaged_page_is_found_when_the_driver_opens_it(path: Path) -> None:
    with path.open("r+b") as opened:
        opened.seek(path.stat().st_size // 2 // 4096 * 4096)
        opened.write(b"\xff" * 100)
    with pytest.raises(JournalError, match="malformed"):
        Journal(path)


def test_an_outcome_that_nobody_wrote_is_an_error(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE outcomes SET outcome = '{}' WHERE key = 'job 7'")
    with Journal(path) as journal:
        with pytest.raises(JournalError, match=r"malformed \(an outcome: "):
            journal.done("job 7")
        assert journal.interrupted() == []


@pytest.mark.parametrize("kind", ["folder", "file", "journal"])
def test_a_place_that_is_not_there(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "journal.db").mkdir()
    wanted = {"folder": FileNotFoundError, "file": NotADirectoryError, "journal": JournalError}
    place = {"folder": "none/a.db", "file": "file/a.db", "journal": "journal.db"}[kind]
    with pytest.raises(wanted[kind], match=place.partition("/")[0]):
        Journal(tmp_path / place)


def test_the_state_of_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        everything(tmp_path / "none.db")
    assert [*tmp_path.iterdir()] == []


def test_a_lock_that_is_another_file(path: Path) -> None:
    Path(f"{path}.lock").write_bytes(b"somebody's own" * 100)
    with pytest.raises(JournalError, match=r"cannot be locked.*nightly\.db\.lock"):
        Journal(path)
    assert len(everything(path)) == 200


def test_a_new_journal_that_a_crash_left_half_made(tmp_path: Path) -> None:
    (tmp_path / "a.db.new").write_bytes(b"half")
    with Journal(tmp_path / "a.db") as journal:
        journal.end(outcome("a"))
    assert states(tmp_path / "a.db") == {"a": "done"}
    assert not (tmp_path / "a.db.new").exists()


# Disks that fail: whatever the driver was told to be there is there, and at most the one row
# whose call failed beside that.


class Ended:
    """What a driver printed until its journal failed."""

    def __init__(self, stdout: str) -> None:
        lines = [line.split(" ", 1) for line in stdout.splitlines()]
        self.acknowledged = [rest for word, rest in lines if word == "ended"]
        self.started = [rest for word, rest in lines if word == "started"]
        [self.error] = [json.loads(rest) for word, rest in lines if word == "failed"]
        self.kept = [json.loads(rest) for word, rest in lines if word == "kept"]

    def assert_right(self, outcomes: list[str], interrupted: list[str]) -> None:
        assert self.acknowledged
        assert outcomes[: len(self.acknowledged)] == self.acknowledged
        more = outcomes[len(self.acknowledged) :]
        assert set(more) <= {self.started[-1]}
        running = {*self.started} - {*outcomes}
        assert running <= {*interrupted}
        assert len(interrupted) <= 1


def run(command: list[str], path: Path, folder: Path, spare: str = "-", **options: Any) -> Ended:
    done = subprocess.run(
        [*command, sys.executable, str(SCRIPT), str(path), str(folder), "job", spare],
        capture_output=True,
        text=True,
        timeout=110,
        **options,
    )
    assert done.returncode == 0, done.stderr
    return Ended(done.stdout)


def look(path: Path) -> tuple[list[str], list[str]]:
    with Journal(path) as journal:
        return [each.key for each in journal.outcomes()], journal.interrupted()


def no_larger_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))


def test_a_limit_of_the_file_size(tmp_path: Path) -> None:
    path = tmp_path / "nightly.db"
    ended = run([], path, tmp_path, preexec_fn=no_larger_files)
    assert ended.error[0] == "JournalError"
    assert "disk I/O error. Its file system failed, or has no room" in ended.error[1]
    ended.assert_right(*look(path))


@mounted
def test_a_full_disk(tmp_path: Path) -> None:
    """A file system of its own: the driver makes room itself, and looks again."""
    disk, folder = tmp_path / "disk", tmp_path / "backup"
    disk.mkdir()
    folder.mkdir()
    fill = 'head -c 400000 /dev/zero > "$0"; exec "$@"'
    command = [*mounting(disk, "size=800k"), "sh", "-c", fill, str(disk / "spare")]
    ended = run(command, disk / "nightly.db", folder, str(disk / "spare"))
    assert ended.error[0] == "JournalError"
    assert "database or disk is full. Make room on its file system" in ended.error[1]
    [(outcomes, interrupted)] = ended.kept
    ended.assert_right(outcomes, interrupted)


@traced
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("pwrite64:error=ENOSPC:when=60+", "database or disk is full"),
        ("pwrite64:error=EIO:when=60+", "disk I/O error"),
        ("fdatasync:error=EIO:when=6+", "disk I/O error"),
    ],
)
def test_a_call_that_fails(tmp_path: Path, fault: str, said: str) -> None:
    path = tmp_path / "nightly.db"
    call = fault.partition(":")[0]
    strace = [shutil.which("strace") or "", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}"]
    strace += ["-e", f"inject={fault}", "-P", f"{path}-wal"]
    ended = run(strace, path, tmp_path)
    assert ended.error[0] == "JournalError"
    assert said in ended.error[1]
    assert str(path) in ended.error[1]
    ended.assert_right(*look(path))
