"""Metrics as Prometheus reads them, in a file and at an address; and events as JSON lines."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import parser as text_format
from prometheus_client.openmetrics import parser as openmetrics

from nfclease.fleet import Event, Failure, JsonLines, Metrics

from ..support.journals import outcome

AT = 1_790_000_000.0
WHERE: dict[str, Any] = {"vcenter": "vc1", "host": "esx1", "disks": 2}
NOW_DONE = {"vcenter": "vc1", "host": "esx1", "state": "done", "verdict": ""}


def event(kind: Any, key: str = "a", **fields: Any) -> Event:
    return Event(kind, at=AT, key=key, vm=f"VM {key}", **{**WHERE, **fields})


def samples(text: str, parser: Any = openmetrics) -> dict[tuple[str, frozenset[Any]], float]:
    """Each value by its name and labels, as a client of Prometheus reads it."""
    families = parser.text_string_to_metric_families(text)
    return {
        (each.name.removeprefix("nfclease_fleet_"), frozenset(each.labels.items())): each.value
        for family in families
        for each in family.samples
    }


def read(path: Path, parser: Any = openmetrics) -> dict[tuple[str, frozenset[Any]], float]:
    return samples(path.read_text(encoding="utf-8"), parser)


def value(found: dict[Any, float], name: str, **labels: str) -> float:
    return found[(name, frozenset((labels or {"vcenter": "vc1", "host": "esx1"}).items()))]


def run(metrics: Metrics) -> None:
    """A job that is done at its second attempt, one that fails, one that runs, one that waits."""
    metrics(event("planned"))
    metrics(event("started"))
    metrics(event("moved", bytes=60))
    metrics(event("waiting"))
    metrics(event("started"))
    metrics(event("moved", bytes=40))
    metrics(event("moved", bytes=90))
    metrics(event("ended", outcome=outcome("a", bytes=100, seconds=45.0, attempts=2)))
    failure = Failure("later", "held", "BlockedError")
    metrics(event("started", "b"))
    metrics(event("ended", "b", outcome=outcome("b", "failed", failure=failure)))
    metrics(event("ended", "c", outcome=outcome("c", "skipped", attempts=0)))
    metrics(event("started", "d"))
    metrics(event("waiting", "e", host="esx2"))


def assert_counted(found: dict[Any, float]) -> None:
    assert value(found, "moved_bytes_total") == 160  # 60 of the attempt that failed
    assert value(found, "attempts_total") == 4
    assert value(found, "running_jobs") == 1
    assert value(found, "running_disks") == 2
    assert value(found, "waiting_jobs") == 0
    assert value(found, "waiting_jobs", vcenter="vc1", host="esx2") == 1
    assert value(found, "jobs_total", **NOW_DONE) == 1
    assert value(found, "jobs_total", **{**NOW_DONE, "state": "skipped"}) == 1
    assert value(found, "jobs_total", **{**NOW_DONE, "state": "failed", "verdict": "later"}) == 1
    where = {"vcenter": "vc1", "state": "done"}
    assert value(found, "job_duration_seconds_sum", **where) == 45
    assert value(found, "job_duration_seconds_bucket", **where, le="30.0") == 0
    assert value(found, "job_duration_seconds_bucket", **where, le="60.0") == 1
    assert value(found, "last_done_timestamp_seconds", vcenter="vc1") == AT
    assert not [labels for _, labels in found if "VM" in str(labels)]
    assert (
        "job_duration_seconds_sum",
        frozenset({("vcenter", "vc1"), ("state", "skipped")}),
    ) not in (found)


@pytest.mark.parametrize(
    ("name", "parser"), [("fleet.prom", text_format), ("fleet.txt", openmetrics)]
)
def test_what_is_counted_in_the_format_of_the_file(tmp_path: Path, name: str, parser: Any) -> None:
    path = tmp_path / name
    with Metrics(path) as metrics:
        run(metrics)
    text = path.read_text(encoding="utf-8")
    assert_counted(samples(text, parser))
    assert text.endswith("# EOF\n") is (parser is openmetrics)
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_the_address_answers_both_formats_until_it_is_closed() -> None:
    with Metrics(port=0) as metrics:
        run(metrics)
        url = f"http://127.0.0.1:{metrics.port}/metrics"
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert_counted(samples(answer.read().decode(), text_format))
        wanted = {"Accept": "application/openmetrics-text; version=1.0.0"}
        asked = urllib.request.Request(url, headers=wanted)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
            assert_counted(samples(answer.read().decode()))
    metrics.close()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=30)


def test_the_file_is_whole_whenever_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written at each event here; a reader finds all of one version each time."""
    monkeypatch.setattr("nfclease.fleet.metrics._INTERVAL", 0.0)
    path, over = tmp_path / "fleet.txt", threading.Event()
    broken: list[str] = []

    def look() -> None:
        while not over.is_set():
            text = path.read_text(encoding="utf-8")
            if not text.endswith("# EOF\n"):
                broken.append(text)

    with Metrics(path) as metrics:
        reader = threading.Thread(target=look)
        reader.start()
        for number in range(300):
            metrics(event("started", f"job {number}", host=f"esx{number}"))
        over.set()
        reader.join()
        assert broken == []
        assert len(read(path)) > 300


def test_it_is_not_written_with_each_event(tmp_path: Path) -> None:
    path = tmp_path / "fleet.prom"
    with Metrics(path) as metrics:
        before = path.stat().st_mtime_ns
        for number in range(20):
            metrics(event("started", f"job {number}"))
        unchanged = path.stat().st_mtime_ns == before
        metrics(Event("stopping", at=AT))
        found = read(path, text_format)
        assert unchanged or value(found, "running_jobs") == 20
        assert value(found, "running_jobs") == 20


def test_a_disk_that_fails_later_is_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("nfclease.fleet.metrics._INTERVAL", 0.0)
    folder = tmp_path / "textfile"
    folder.mkdir()
    with Metrics(folder / "fleet.prom") as metrics:
        (folder / "fleet.prom").unlink()
        folder.rmdir()
        for number in range(5):
            metrics(event("started", f"job {number}"))
        folder.mkdir()
        metrics(event("started", "last"))
        assert value(read(folder / "fleet.prom", text_format), "running_jobs") == 6
    [record] = [each for each in caplog.records if each.name == "nfclease"]
    assert "the metrics cannot be written" in record.getMessage()


def test_what_cannot_be_done_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Metrics(tmp_path / "none" / "fleet.prom")
    with pytest.raises(ValueError, match="a path or a port"):
        Metrics()
    with Metrics(port=0) as metrics, pytest.raises(OSError, match="in use"):
        Metrics(port=metrics.port)


def test_names_of_a_server_break_no_line(tmp_path: Path) -> None:
    path = tmp_path / "fleet.prom"
    hostile = 'esx"1\n# EOF\nnfclease_fleet_running_jobs 99\\\x1b[2J' + "x" * 1000
    with Metrics(path) as metrics:
        metrics(event("started", host=hostile))
    found = read(path, text_format)
    [labels] = [dict(labels) for name, labels in found if name == "running_jobs"]
    assert labels["host"].startswith('esx"1\\n# EOF')
    assert all(char.isprintable() for char in labels["host"])
    assert len(labels["host"]) < 250


def test_where_the_library_is_missing_it_says_how_to_install_it() -> None:
    script = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from nfclease.fleet import Metrics\n"
        "try: Metrics(port=0)\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "metrics need prometheus_client: pip install 'nfclease[metrics]'\n"


def test_an_event_is_a_line_of_json() -> None:
    log = io.StringIO()
    write = JsonLines(log)
    write(event("waiting", reason="host esx1:\n8 of 8 disks"))
    write(event("ended", outcome=outcome("a", "failed")))
    first, second = map(json.loads, log.getvalue().splitlines())
    assert (first["kind"], first["reason"]) == ("waiting", "host esx1:\n8 of 8 disks")
    assert (first["at"], first["disks"], first["outcome"]) == (AT, 2, None)
    assert second["outcome"]["failure"]["verdict"] == "again"
    assert second["outcome"]["files"] == []
