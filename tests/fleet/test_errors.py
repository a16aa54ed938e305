"""The error of a run with failures: a group of Python from 3.11 on, and alike before."""

from __future__ import annotations

import copy
import pickle
import sys
import traceback

import pytest

from nfclease import NfcError, fleet

from ..support.journals import outcome


@pytest.fixture
def error() -> fleet.FleetError:
    outcomes = (outcome("a", "failed"), outcome("b"), outcome("c", "failed"))
    return fleet.FleetError("2 of 3 jobs failed", fleet.Summary(outcomes, seconds=1.5))


def test_it_has_the_jobs_that_failed_and_the_whole_run(error: fleet.FleetError) -> None:
    assert [each.outcome.key for each in error.exceptions] == ["a", "c"]
    assert [each.key for each in error.failures] == ["a", "c"]
    assert all(isinstance(each, fleet.JobFailedError) for each in error.exceptions)
    assert len(error.summary.outcomes) == 3
    assert isinstance(error, NfcError)


@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_a_copy_of_another_process_has_all_of_it(error: fleet.FleetError, again: object) -> None:
    assert callable(again)
    made = again(error)
    assert type(made) is fleet.FleetError
    assert (str(made), made.summary) == (str(error), error.summary)
    assert [str(each) for each in made.exceptions] == [str(each) for each in error.exceptions]


def test_a_traceback_names_each_failure_once(error: fleet.FleetError) -> None:
    shown = "".join(traceback.format_exception(type(error), error, None))
    assert "2 of 3 jobs failed" in shown
    for each in error.failures:
        assert shown.count(each.reason) == 1


@pytest.mark.skipif(sys.version_info < (3, 11), reason="not run: groups are of Python 3.11")
def test_it_is_a_group_for_except_star(error: fleet.FleetError) -> None:
    names: dict[str, object] = {"error": error, "JobFailedError": fleet.JobFailedError}
    exec("try:\n raise error\nexcept* JobFailedError as caught:\n found = caught.exceptions", names)
    assert names["found"] == error.exceptions


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="not run: Python has groups from 3.11 on")
def test_before_groups_its_text_names_each_failure(error: fleet.FleetError) -> None:
    first, *others = str(error).splitlines()
    assert first == "2 of 3 jobs failed"
    assert others == [each.reason for each in error.failures]
