"""Exports of many VMs that are cut short: by a signal, by kill -9; and the run that goes on."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from nfclease import verify
from nfclease.simulator import Simulator

from ..support.command import objects
from ..support.inventory import unique
from ..support.journals import states
from ..support.leases import endings, methods
from .interrupting import SIGNALS, Interrupting
from .moments import answered, moved

SIMULATOR = {"disk_size": 1 << 20}
ABORT, COMPLETE = "HttpNfcLeaseAbort", "HttpNfcLeaseComplete"


@pytest.fixture
def names(simulator: Simulator, tmp_path: Path) -> list[str]:
    """Four VMs, which are in the list."""
    made = [unique("cut") for _ in range(4)]
    for name in made:
        simulator.add_vm(name, disks=1, nvram=False)
    (tmp_path / "vms.txt").write_text("\n".join(made))
    return made


def arguments(tmp_path: Path, *more: str | Path) -> list[str | Path]:
    target = tmp_path / "target" / "{vm}.ova"
    chosen: list[str | Path] = ["export", "--list", tmp_path / "vms.txt", "-o", target]
    return [*chosen, "--per-host", "2", "--journal", tmp_path / "run.db", *more]


def check_that_it_goes_on(
    interrupting: Interrupting, tmp_path: Path, folder: Path, names: list[str]
) -> None:
    """Another run does what is left."""
    interrupting.start(*arguments(tmp_path, "--json"))
    done = interrupting.ended()
    assert done.code == 0, done.stderr
    summary = objects(done.stdout)[-1]
    assert summary["done"] + summary["skipped"] == len(names)
    assert sorted(path.stem for path in folder.iterdir()) == sorted(names)
    assert all(verify(path) for path in folder.iterdir())


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_what_runs_in_an_abort(
    interrupting: Interrupting,
    simulator: Simulator,
    names: list[str],
    folder: Path,
    tmp_path: Path,
    number: int,
) -> None:
    done = interrupting.at(
        moved("", 100_000, "in the middle"), number, *arguments(tmp_path, "--quiet")
    )
    assert (done.code, done.stdout) == (SIGNALS[number], "")
    assert f"nfclease: ended by {signal.Signals(number).name}\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert [*folder.iterdir()] == []
    assert set(endings(simulator)) == {ABORT}
    assert set(states(tmp_path / "run.db").values()) <= {"cancelled", "planned"}
    assert methods(simulator, "Logout") == ["Logout"] * answered(simulator, "Login")
    check_that_it_goes_on(interrupting, tmp_path, folder, names)


def test_what_was_done_before_a_signal_is_said(
    interrupting: Interrupting, simulator: Simulator, names: list[str], tmp_path: Path
) -> None:
    moment = moved("", 100_000, "in the middle")
    moment.hold(simulator)
    process = interrupting.start(*arguments(tmp_path))
    interrupting.until(moment)
    process.send_signal(signal.SIGINT)
    done = interrupting.ended()
    assert done.code == 130
    assert done.stdout.startswith(f"{len(names)} VMs: {len(names)} cancelled; ")


def test_a_signal_before_anything_runs(
    interrupting: Interrupting, simulator: Simulator, names: list[str], tmp_path: Path
) -> None:
    """While the inventory is read for the plan."""
    simulator.inject("soap_delay", method="RetrievePropertiesEx", seconds=None)
    process = interrupting.start(*arguments(tmp_path))
    interrupting.wait_for(lambda: simulator.calls("RetrievePropertiesEx"))
    process.send_signal(signal.SIGINT)
    done = interrupting.ended()
    simulator.clear()
    assert (done.code, done.stdout) == (130, "")
    assert simulator.leases() == []
    assert methods(simulator, "Logout") == ["Logout"]


def test_after_kill_9_the_next_run_goes_on(
    interrupting: Interrupting,
    simulator: Simulator,
    names: list[str],
    folder: Path,
    tmp_path: Path,
) -> None:
    moment = moved("", 100_000, "in the middle")
    moment.hold(simulator)
    process = interrupting.start(*arguments(tmp_path))
    interrupting.until(moment)
    process.kill()
    process.wait()
    simulator.clear()
    assert [path for path in folder.glob("*.ova") if not path.name.startswith(".")] == []
    assert "interrupted" in states(tmp_path / "run.db").values()
    simulator.expire()
    check_that_it_goes_on(interrupting, tmp_path, folder, names)
