"""``nfclease fleet status``: what it prints of a journal, and of what is none."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from nfclease.fleet import Failure, Journal

from ..support.command import Command, objects
from ..support.journals import outcome, planned, started


@pytest.fixture
def command() -> Command:
    return Command({})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A run of five jobs in which the driver died."""
    failure = Failure("never", "the server refused: no (NoPermission)", "vim.fault.NoPermission")
    made = tmp_path / "nightly.db"
    with Journal(made) as journal:
        for name in ("web", "db", "mail", "dns", "old"):
            planned(journal, f"export {name}", vm=name)
        journal.end(outcome("export web", vm="web", bytes=2_500_000))
        journal.end(outcome("export db", "failed", vm="db", failure=failure))
        journal.end(outcome("export old", "skipped", vm="old", attempts=0))
        started(journal, "export mail")
    return made


def test_a_table_and_a_count(command: Command, path: Path) -> None:
    done = command("fleet", "status", path)
    assert (done.code, done.stderr) == (0, "")
    head, *rows, last = done.stdout.splitlines()
    assert head.split() == ["STATE", "VM", "HOST", "SIZE", "ATTEMPTS", "TARGET", "REASON"]
    shown = [row.split() for row in rows]
    assert [row[:2] for row in shown] == [
        ["planned", "dns"],
        ["interrupted", "mail"],
        ["failed", "db"],
        ["skipped", "old"],
        ["done", "web"],
    ]
    assert " ".join(shown[2]).endswith("never: the server refused: no (NoPermission)")
    assert shown[4][2:] == ["esx1", "2.5", "MB", "1", "/backup/export", "web.ova"]
    assert last == (
        "5 jobs: 1 planned, 1 interrupted, 1 failed, 1 skipped, 1 done; 2.5 MB moved; "
        "no driver runs"
    )


def test_rows_of_json(command: Command, path: Path) -> None:
    done = command("fleet", "status", path, "--json")
    *jobs, summary = objects(done.stdout)
    assert {job["type"] for job in jobs} == {"job"}
    assert [job["vm"] for job in jobs] == ["dns", "mail", "db", "old", "web"]
    assert jobs[2]["verdict"] == "never"
    assert summary == {
        "type": "summary",
        "command": "fleet",
        "journal": str(path),
        "jobs": 5,
        "running": 0,
        "planned": 1,
        "interrupted": 1,
        "failed": 1,
        "cancelled": 0,
        "skipped": 1,
        "done": 1,
        "bytes": 2_500_000,
        "driver": None,
    }


def test_one_state_alone_and_no_count(command: Command, path: Path) -> None:
    done = command("fleet", "status", path, "--state", "failed", "--quiet")
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:]] == [["failed", "db"]]


def test_while_a_driver_runs(command: Command, path: Path) -> None:
    with Journal(path) as journal:
        started(journal, "export mail")
        started(journal, "export dns")
        *jobs, summary = objects(command("fleet", "status", path, "--json").stdout)
        assert [job["state"] for job in jobs][:2] == ["running", "running"]
        assert summary["driver"]["process"] == os.getpid()
        assert summary["driver"]["host"] == socket.gethostname()
        last = command("fleet", "status", path).stdout.splitlines()[-1]
        assert f"driver: process {os.getpid()} on {socket.gethostname()}, since 20" in last


def test_hostile_names_obey_nobody(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Journal(path) as journal:
        planned(journal, "a", vm="\x1b]0;gotcha\x07\nplanned  root")
    done = command("fleet", "status", path)
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 3


def test_an_empty_journal(command: Command, tmp_path: Path) -> None:
    Journal(tmp_path / "a.db").close()
    done = command("fleet", "status", tmp_path / "a.db")
    assert (done.code, done.stdout) == (0, "0 jobs; 0 B moved; no driver runs\n")


def test_what_is_no_journal(command: Command, tmp_path: Path) -> None:
    (tmp_path / "vm.ova").write_bytes(b"an archive" * 100)
    done = command("fleet", "status", tmp_path / "vm.ova")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"nfclease: the journal {tmp_path / 'vm.ova'} cannot be used: ")
    done = command("fleet", "status", tmp_path / "none.db")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr == f"nfclease: {tmp_path / 'none.db'}: No such file or directory\n"
    assert [each.name for each in tmp_path.iterdir()] == ["vm.ova"]


def test_wrong_usage(command: Command, path: Path) -> None:
    assert command("fleet").code == 2
    assert command("fleet", "stat", path).code == 2
    assert command("fleet", "status", path, "--state", "lost").code == 2
