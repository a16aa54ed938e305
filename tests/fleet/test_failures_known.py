"""What a failure of a job knows of its transfer and its lease, in a run and in a journal."""

from __future__ import annotations

import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from nfclease import StallError, fleet
from nfclease.fleet import Failure, Journal, Outcome, judge
from nfclease.simulator import Simulator

from ..support.inventory import added_vms


def failed_export(simulator: Simulator, lab: str, folder: Path) -> tuple[fleet.FleetError, Failure]:
    """A run whose only disk is cut after some bytes, each time."""
    [vm] = added_vms(simulator, "known", 1)
    simulator.inject("cut", disk=".vmdk", after_bytes=4096, how="reset")
    job = fleet.ExportJob(lab, vm, f"{folder}/{{vm}}.ova", {"max_retries": 1})
    with pytest.raises(fleet.FleetError) as raised:
        fleet.run([job], retries=0, journal=folder / "run.db")
    [failed] = raised.value.failures
    assert failed.failure is not None
    return raised.value, failed.failure


def test_a_run_says_how_far_the_transfer_was(
    simulator: Simulator, lab: str, tmp_path: Path
) -> None:
    error, failure = failed_export(simulator, lab, tmp_path)
    assert (failure.phase, failure.attempts, failure.lease_outcome) == ("body", 2, "aborted")
    assert 0 < failure.bytes_done <= 4096
    assert failure.file.endswith(".vmdk")
    assert failure.disk_key
    assert failure.host in failure.reason
    assert failure.files_left == ()
    [job] = error.exceptions
    assert (job.phase, job.bytes_done, job.host) == ("body", failure.bytes_done, failure.host)
    assert (job.remedy, job.files_left) == ("new_lease", [])
    copy = pickle.loads(pickle.dumps(error))
    assert copy.failures == error.failures
    assert copy.exceptions[0].lease_outcome == "aborted"


def test_the_journal_keeps_it(simulator: Simulator, lab: str, tmp_path: Path) -> None:
    _, failure = failed_export(simulator, lab, tmp_path)
    with Journal(tmp_path / "run.db") as journal:
        [outcome] = journal.outcomes()
    assert outcome.failure == failure


def test_an_outcome_of_an_older_journal_is_read() -> None:
    old = {"verdict": "later", "reason": "the VM is held", "error": "BlockedError", "task": "t-1"}
    values = Outcome("a", "export", "web", "/a.ova", "failed").to_dict()
    read = Outcome.from_dict(json.loads(json.dumps({**values, "failure": old})))
    assert read.failure == Failure("later", "the VM is held", "BlockedError", "t-1")


def test_files_that_stay_are_named_in_the_reason() -> None:
    error = StallError("disk-1.vmdk at esx1: no data moved for 60 s; " + "x" * 600)
    error.files_left = ["/backup/a.part", "/backup/\u202eb.part"]
    failure = judge(error)
    assert failure.files_left == ("/backup/a.part", "/backup/\u202eb.part")
    assert len(failure.reason) <= 500
    assert failure.reason.startswith("disk-1.vmdk at esx1: no data moved")
    said = r"left behind, incomplete: /backup/a.part, /backup/\u202eb.part"
    assert failure.reason.endswith(said)
    outcome = Outcome("a", "export", "web", "/a.ova", "failed", failure=failure)
    assert Outcome.from_dict(json.loads(json.dumps(outcome.to_dict()))) == outcome


class OddError(OSError):
    """Somebody's error, whose attributes are of another kind, or raise."""

    attempts = "many"
    bytes_done = True
    files_left: Any = "/etc/passwd"
    host = "esx\x1b[2J"

    @property
    def file(self) -> str:
        raise ZeroDivisionError("mine")


def test_an_odd_error_gives_no_odd_failure() -> None:
    failure = judge(OddError(5, "Input/output error"))
    assert failure.host == r"esx\x1b[2J"
    rest = dataclasses.asdict(dataclasses.replace(failure, host="", reason=""))
    expected = Failure("never", "", "OddError")
    assert rest == dataclasses.asdict(expected)
