"""Hosts that answer 503 for a while, in calls or transfers: jobs are tried again, and end once."""

from __future__ import annotations

from pathlib import Path

import pytest

from nfclease import fleet, verify
from nfclease.fleet import Failure, Journal
from nfclease.fleet._retrying import Retries, Rules
from nfclease.simulator import Simulator

from ..support.inventory import added_vms
from ..support.journals import states
from ..support.leases import endings

SIMULATOR = {"disk_size": 1 << 16}


@pytest.fixture
def vms(simulator: Simulator) -> list[str]:
    return added_vms(simulator, "refused", 6)


def jobs_of(session: str, vms: list[str], directory: Path) -> list[fleet.ExportJob]:
    # The lease itself is not to try the same transfer again: that is another mechanism.
    options = {"max_retries": 0}
    return [fleet.ExportJob(session, vm, f"{directory}/{{vm}}.ova", options) for vm in vms]


@pytest.mark.parametrize(
    ("kind", "method"), [("soap_status", "ExportVm"), ("status", "GET"), ("soap_status", None)]
)
def test_a_while_of_503_is_survived(
    simulator: Simulator,
    lab: str,
    vms: list[str],
    tmp_path: Path,
    kind: str,
    method: str | None,
) -> None:
    """It ends when each job has failed; half of them begin with it, and the others come later."""
    delayed: list[str] = []

    def listen(event: fleet.Event) -> None:
        if event.kind == "started" and not delayed:
            # Without a method: every call, the look at the session included.
            simulator.inject(kind, match=method, code=503)
        if event.kind == "waiting" and "tried again in" in event.reason:
            delayed.append(event.vm)
            assert "503" in event.reason
            if {*delayed} >= {*vms}:
                simulator.clear()

    summary = fleet.run(
        jobs_of(lab, vms, tmp_path),
        per_host=3,
        retries=9,
        retry_delay=0.3,
        journal=tmp_path / "nightly.db",
        progress=listen,
    )
    assert {each.vm for each in summary.done} == {*vms}
    assert {*delayed} == {*vms}
    assert all(each.attempts > 1 for each in summary.done)
    assert all(verify(each.target) for each in summary.done)
    assert endings(simulator).count("HttpNfcLeaseComplete") == 6
    assert not [
        lease for lease in simulator.leases() if lease["state"] in ("ready", "initializing")
    ]
    with Journal(tmp_path / "nightly.db") as journal:
        assert [(each.state, each.attempts) for each in journal.outcomes()] == [
            ("done", each.attempts) for each in summary.outcomes
        ]


@pytest.mark.parametrize(("kind", "method"), [("soap_status", "ExportVm"), ("status", "GET")])
def test_with_the_retries_used_up_it_says_503(
    simulator: Simulator, lab: str, vms: list[str], tmp_path: Path, kind: str, method: str
) -> None:
    simulator.inject(kind, code=503, method=method)
    jobs = jobs_of(lab, vms, tmp_path)
    options = {"retry_delay": 0.05, "journal": tmp_path / "nightly.db", "check": False}
    summary = fleet.run(jobs, retries=2, **options)  # type: ignore[arg-type]
    assert {each.vm for each in summary.failed} == {*vms}
    for each in summary.failed:
        assert each.failure is not None
        assert (each.failure.verdict, each.attempts) == ("again", 3)
        assert "503" in each.failure.reason
        port = simulator.port if kind == "soap_status" else simulator.disk_port
        assert f":{port}" in each.failure.reason
    assert {*states(tmp_path / "nightly.db").values()} == {"failed"}
    assert not [*tmp_path.glob("*.ova")]
    simulator.clear()
    again = fleet.run(jobs, **options)  # type: ignore[arg-type]
    assert {each.vm for each in again.done} == {*vms}


def test_with_the_defaults_a_minute_is_survived() -> None:
    """Each attempt fails at once, which is the worst: the last one begins after 90 s."""
    retries = Retries(Rules())
    refused = Failure("again", "the host answered HTTP 503", "HttpStatusError")
    delays = [retries.delay("job", refused) for _ in range(3)]
    assert delays == [30.0, 60.0, None]
