"""`make bench-fleet`: what it concludes, and that it runs, on two hosts and a few VMs."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.figures import ideal, latest, most_at_once, slope
from benchmarks.fleet_hosts import Seen
from benchmarks.fleet_rows import ROWS, Figure, Row, Settings
from benchmarks.fleet_stage import Run, Stage, client, compare, staged
from benchmarks.measure import ClientFailedError
from benchmarks.scenarios import WrongBytesError


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two hosts."""
    with staged(2, tmp_path_factory.mktemp("fleet")) as made:
        yield made


def test_what_ends_when_another_begins_is_not_beside_it() -> None:
    assert most_at_once([(0, 1), (1, 2), (2, 3)]) == 1
    assert most_at_once([(0, 3), (1, 2), (1.5, 4)]) == 3
    assert most_at_once([]) == 0


def test_a_renewal_is_late_after_the_one_before_and_at_the_end() -> None:
    assert latest([[0, 1, 2, 2.5]], 1) == 0
    assert latest([[0, 1, 2, 2.5], [0, 1, 3.5]], 1) == 1.5


def test_the_ideal_starts_the_longest_first() -> None:
    assert ideal([1] * 40, 2) == 20
    assert ideal([1, 1, 1, 3], 2) == 3
    assert ideal([5], 8) == 5


def test_the_growth_is_that_of_the_line_through_all_points() -> None:
    assert slope([(1000, 70), (2000, 70), (3000, 70)]) == 0
    assert slope([(0, 1), (1, 3), (2, 5)]) == 2


def test_a_figure_says_whether_it_is_what_it_must_be() -> None:
    assert Figure("wall", 2.0, "s", 2.4).line().endswith("2.00 s        must <= 2.4")
    assert Figure("wall", 2.5, "s", 2.4).line().endswith("must <= 2.4   NOT MET")
    assert "must" not in Figure("wall", 2.5, "s").line()


def test_a_lease_is_followed_from_its_first_byte_to_its_end() -> None:
    requests = [{"lease": "one", "started": at, "ended": 9.0} for at in (2.0, 1.0)]
    seen = Seen(requests, [0.5, 0.7], {"one": 10.0, "none moved": 3.0}, [("one", 4.0)])
    assert seen.renewals() == {"one": [1.0, 4.0, 10.0]}
    assert seen.leases() == [(0.5, 3.0), (0.7, 10.0)]
    assert most_at_once(seen.leases()) == 2


def test_other_bytes_than_were_sent_end_it(stage: Stage, tmp_path: Path) -> None:
    disk = tmp_path / "disk-0.vmdk"
    disk.write_bytes(b"other")
    (tmp_path / "0").mkdir()
    with tarfile.open(tmp_path / "0" / "vm.ova", "w") as archive:
        archive.add(disk, disk.name)
    sent = Seen([{"sha1": "ab" * 20, "aborted": False}], [], {}, [])
    with pytest.raises(WrongBytesError, match="host 0 sent 1 disks and 1 arrived; 1 were lost"):
        compare(Run({}, 0, 0.0, [sent]), tmp_path)


def test_a_client_that_fails_ends_it(tmp_path: Path) -> None:
    order = tmp_path / "order.json"
    order.write_text("{}")
    with pytest.raises(ClientFailedError, match="KeyError: 'sessions'"):
        client(order)


def test_small_jobs_are_exported_compared_and_counted(stage: Stage) -> None:
    [row] = ROWS["small"](stage, Settings(jobs=8))
    found = figures_of(row)
    assert row.title.startswith("8 exports of VMs of 1024 bytes")
    assert found["driver's CPU for a job"] > 0
    assert found["simulators' CPU for a job"] > 0
    assert found["threads of the process"] >= 1
    assert 1 <= found["disks of one host at once, as the host counts"] <= 8
    assert [*stage.folder.glob("out")] == []


def figures_of(row: Row) -> dict[str, float]:
    return {figure.what: figure.seen for figure in row.figures}


def test_a_cap_of_one_is_seen_by_the_host(stage: Stage) -> None:
    for host in stage.hosts:
        host.add("single", 3, 2, 1024)
    run = stage.play(stage.hosts, per_host=1, keep_alive_interval=1)
    assert run.said["jobs"] == 6
    assert run.said["bytes"] == sum(
        sum(each) for host in stage.hosts for each in host.sizes.values()
    )
    assert [most_at_once(host.leases()) for host in run.hosts] == [1, 1]
    assert run.peak_streams() <= 2  # one VM with both of its disks


def test_pauses_keep_to_the_schedule_without_a_lease(stage: Stage) -> None:
    for host in stage.hosts:
        host.add("pause", 4, 1, 1024)
    run = stage.play(stage.hosts, per_host=2, executor="pauses")
    assert run.said["jobs"] == 8
    assert run.said["seconds"] - run.said["before_first"] >= 0.2  # two after each other
    assert [host.requests for host in run.hosts] == [[], []]
