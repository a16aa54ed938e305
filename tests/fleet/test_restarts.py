"""A run that goes on where the one before it ended, or was killed, by its journal."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from nfclease import JournalError, JournalInUseError, fleet, verify
from nfclease.simulator import Simulator

from ..support.inventory import unique
from ..support.journals import states
from ..support.waiting import wait_for
from .script import Script, is_moving

# A lease whose client was killed ends soon.
SIMULATOR = {"disk_size": 1 << 20, "lease_timeout": 3.0}
SLOW = 20_000


@pytest.fixture
def vms(simulator: Simulator) -> list[str]:
    names = [unique("night") for _ in range(3)]
    for name in names:
        simulator.add_vm(name, disks=1)
    return names


def run(lab: str, vms: list[str], directory: Path, **options: Any) -> fleet.Summary:
    jobs = [fleet.ExportJob(lab, vm, f"{directory}/{{vm}}.ova") for vm in vms]
    return fleet.run(jobs, journal=directory / "nightly.db", **options)


def ended(summary: fleet.Summary) -> dict[str, str]:
    return {each.vm: each.state for each in summary.outcomes}


def test_what_is_done_and_still_there_is_skipped(
    simulator: Simulator, lab: str, vms: list[str], tmp_path: Path
) -> None:
    assert set(ended(run(lab, vms, tmp_path)).values()) == {"done"}
    assert set(ended(run(lab, vms, tmp_path)).values()) == {"skipped"}
    gone, changed, kept = vms
    (tmp_path / f"{gone}.ova").unlink()
    with (tmp_path / f"{changed}.ova").open("ab") as file:
        file.write(b"more")
    os.rename(tmp_path / f"{changed}.ova", tmp_path / "aside.ova")
    again = run(lab, vms, tmp_path)
    assert ended(again) == {gone: "done", changed: "done", kept: "skipped"}
    assert len(simulator.calls("ExportVm")) == 5


def test_digests_are_compared_where_that_is_asked(
    simulator: Simulator, lab: str, vms: list[str], tmp_path: Path
) -> None:
    run(lab, vms, tmp_path)
    path = tmp_path / f"{vms[0]}.ova"
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(before.st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert set(ended(run(lab, vms, tmp_path)).values()) == {"skipped"}
    with pytest.raises(fleet.FleetError) as failed:
        run(lab, vms, tmp_path, verify=True)
    assert "exists" in str(failed.value.exceptions[0])
    path.unlink()
    assert ended(run(lab, vms, tmp_path, verify=True))[vms[0]] == "done"


def test_a_driver_that_was_killed(simulator: Simulator, vms: list[str], tmp_path: Path) -> None:
    path = tmp_path / "nightly.db"
    simulator.inject("bandwidth", bytes_per_second=SLOW)
    script = Script(f"journal={path}", simulator, tmp_path, vms)
    wait_for(lambda: is_moving(simulator, 2), 60)
    script.process.kill()
    script.process.communicate()
    assert sorted(states(path).values()) == ["interrupted", "interrupted", "planned"]
    assert not [*tmp_path.glob("*.ova")]
    simulator.clear()
    out, error = Script(f"journal={path}", simulator, tmp_path, vms).end()
    assert out.splitlines()[-1] == "states done done done", error
    assert set(states(path).values()) == {"done"}
    assert all(verify(tmp_path / f"{vm}.ova") for vm in vms)


def test_a_second_driver_is_refused(
    simulator: Simulator, lab: str, vms: list[str], tmp_path: Path
) -> None:
    simulator.inject("bandwidth", bytes_per_second=SLOW)
    script = Script(f"journal={tmp_path / 'nightly.db'}", simulator, tmp_path, vms)
    wait_for(lambda: is_moving(simulator, 2), 60)
    with pytest.raises(JournalInUseError, match=str(script.process.pid)):
        run(lab, vms, tmp_path)
    script.process.terminate()
    script.end()
    assert set(states(tmp_path / "nightly.db").values()) == {"cancelled", "planned"}
    simulator.clear()
    out, error = Script(f"journal={tmp_path / 'nightly.db'}", simulator, tmp_path, vms).end()
    assert out.splitlines()[-1] == "states done done done", error


def test_a_journal_that_is_none(lab: str, tmp_path: Path) -> None:
    (tmp_path / "nightly.db").write_text("notes of last night\n")
    with pytest.raises(JournalError):
        run(lab, ["demo-vm"], tmp_path)
    with pytest.raises(TypeError, match="a Journal or a path, not int"):
        fleet.run([], journal=3)  # type: ignore[arg-type]


def test_a_total_counts_all_jobs_however_many_are_skipped(
    simulator: Simulator, lab: str, vms: list[str], tmp_path: Path
) -> None:
    run(lab, vms[:-1], tmp_path)
    log = io.StringIO()
    run(lab, vms, tmp_path, progress=fleet.Lines(log))
    lines = log.getvalue().splitlines()
    assert sum("skipped" in line for line in lines) == len(vms) - 1
    assert lines[-1].startswith("total: 3 of 3 jobs, ")
    assert all(" of 3 jobs, " in line for line in lines if line.startswith("total: "))
