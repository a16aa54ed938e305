"""Scripts as people write them: unchanged on pyvmomi's lease, with one changed line on ours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

from ..support.smoke import login
from ..support.waiting import wait_for

SCRIPTS = Path(__file__).parent / "scripts"
NAMES = sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem != "session")
CALL = re.compile(r"^( *)lease = (\w+\.\w+\(.*\))$", re.MULTILINE)
SECONDS = 60


def switched(source: str) -> str:
    """The script with the line changed that gets the lease, and no other."""
    changed, times = CALL.subn(r"\1import nfclease; lease = nfclease.HttpNfcLease(\2)", source)
    assert times == 1
    pairs = zip(source.splitlines(), changed.splitlines(), strict=True)
    assert sum(before != after for before, after in pairs) == 1
    return changed


def run(simulator: Simulator, script: Path) -> tuple[int, dict[str, Any], str]:
    """Exit status, report and standard error of a script in a process of its own."""
    paths = [str(SCRIPTS), str(Path(nfclease.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), *login(simulator)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    told = json.loads(done.stdout) if done.stdout else {}
    return done.returncode, told, done.stderr


def record(simulator: Simulator, moid: str) -> dict[str, Any]:
    """What the server saw of a lease."""
    calls = [call for call in simulator.calls(moid=moid) if "HttpNfc" in call["method"]]
    progress = [call["args"]["percent"] for call in calls if call["method"].endswith("Progress")]
    others = [
        (call["method"], _without_ids(call["raw"], moid), call["result"])
        for call in calls
        if not call["method"].endswith("Progress")
    ]
    requests = [
        (request["method"], request["disk"].rpartition("/")[2], request["status"])
        for request in simulator.requests()
        if request["lease"] == moid
    ]
    return {"progress": progress, "others": others, "requests": requests}


def _without_ids(envelope: str, moid: str) -> str:
    """The lease's own reference, and those of the tasks that a fault names."""
    return re.sub(r'(type="Task">)[^<]*', r"\1", envelope.replace(moid, ""))


def is_within(part: list[Any], whole: list[Any]) -> bool:
    """Whether all of `part` is in `whole`, in this order."""
    rest = iter(whole)
    return all(item in rest for item in part)


@pytest.fixture(scope="module")
def single_host() -> Iterator[Simulator]:
    with Simulator(esx=True, disk_size="1m", initializing=0.1) as simulator:
        yield simulator


@pytest.mark.parametrize("name", NAMES)
def test_the_same_outcome(
    simulator: Simulator, single_host: Simulator, tmp_path: Path, name: str
) -> None:
    source = (SCRIPTS / f"{name}.py").read_text(encoding="utf-8")
    ours = tmp_path / f"{name}.py"
    ours.write_text(switched(source), encoding="utf-8")
    server = single_host if name == "star_host" else simulator
    # An import that is aborted takes its VM away from under the other's look at all names.
    at_once = 1 if name.startswith("import_") else 2
    with ThreadPoolExecutor(at_once) as pool:
        both = [
            pool.submit(run, server, SCRIPTS / f"{name}.py"),
            pool.submit(run, server, ours),
        ]
    (their_status, their_report, their_errors), (status, report, errors) = (
        future.result() for future in both
    )
    assert their_status == 0, their_errors
    assert (status, errors) == (their_status, their_errors)
    their_record = record(server, their_report.pop("lease"))
    our_record = record(server, report.pop("lease"))
    assert report == their_report
    assert our_record["others"] == their_record["others"]
    assert our_record["requests"] == their_record["requests"]
    if name not in ("import_timer", "export_keep_alive_2s"):  # where a clock decides how many
        assert is_within(their_record["progress"], our_record["progress"])


def test_two_keep_alives_do_not_disturb_each_other(demo_vm: Any, simulator: Simulator) -> None:
    """The script's last percent stands until our transfers move."""
    raw = demo_vm.ExportVm()

    def told() -> list[int]:
        percents: list[int] = record(simulator, raw._moId)["progress"]
        return percents

    with HttpNfcLease(raw, keep_alive_interval=0.1) as lease:
        lease.wait_ready(10)
        lease.Progress(37)
        wait_for(lambda: told().count(37) > 2)
        lease.Progress(12)
        wait_for(lambda: told().count(12) > 2)
        after = told()[told().index(37) :]
    assert set(after) == {37, 12}
    # One that was under way beside the script's call may come after it.
    assert after[after.index(12) :].count(37) <= 1
    assert after[-1] == 12
