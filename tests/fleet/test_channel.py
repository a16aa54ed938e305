"""What workers tell the driver: from threads, from processes, from a Dask cluster."""

from __future__ import annotations

import json
import os
import queue
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from nfclease import fleet
from nfclease.fleet import ExportJob
from nfclease.fleet._driving import Driver
from nfclease.fleet._hearing import Mail
from nfclease.fleet._place import LONGEST, RunPlace
from nfclease.fleet._records import Records
from nfclease.fleet._retrying import Rules
from nfclease.fleet._telling import TOPIC, Told, path_of, read
from nfclease.fleet._workers import Worker
from nfclease.fleet._working import Assignment
from nfclease.fleet.executors import Hands
from nfclease.fleet.planning import Planned
from nfclease.simulator import Simulator

from ..support.inventory import unique
from ..support.waiting import wait_for
from .cluster import in_quiet

SIMULATOR = {"disk_size": 1 << 20}
KEY = "export lab: vm -> {vm}.ova"


@pytest.fixture
def place() -> Iterator[RunPlace]:
    """A run that another process drives, on this machine."""
    with tempfile.TemporaryDirectory() as directory:
        yield RunPlace(uuid.uuid4().hex, directory, os.getppid())


def sent(mail: Mail, attempt: int = 1) -> list[tuple[str, Any]]:
    return [(told.kind, told.value) for told in mail.of(KEY, attempt)]


def test_messages_of_another_process_arrive_once_and_the_newest_of_each_kind(
    place: RunPlace,
) -> None:
    worker, mail = Worker(place), Mail(place)
    with worker.busy(KEY, 1):
        worker.tell("moved", KEY, 1)
        worker.tell("moved", KEY, 2)
        worker.tell("lease", KEY, "task-7")
        wait_for(lambda: os.listdir(place.directory))
        heard: dict[str, Any] = {}

        def hear() -> dict[str, Any]:
            heard.update(sent(mail))
            return heard

        wait_for(lambda: hear() == {"moved": 2, "lease": "task-7"})
        assert sent(mail) == []
        worker.tell("moved", KEY, 3)
        wait_for(lambda: ("moved", 3) in sent(mail))
    assert os.listdir(place.directory) == []


def test_what_does_not_run_tells_nothing(place: RunPlace) -> None:
    worker = Worker(place)
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    worker.outbox.inbox = inbox
    wrong: list[Any] = [("moved", -1), ("moved", "1"), ("lease", 1), ("lease", "a\nb")]
    worker.tell("moved", KEY, 1)
    with worker.busy(KEY, 2):
        for kind, value in wrong:
            worker.tell(kind, KEY, value)
        worker.tell("lease", KEY, "x" * 2000)
        worker.tell("password", KEY, "x")
        worker.tell("moved", "another", 1)
        worker.tell("moved", KEY, 5)
    worker.tell("moved", KEY, 6)
    assert inbox.get() == Told(KEY, 2, "moved", 5)
    assert inbox.empty()


def test_a_directory_that_cannot_be_written_is_tried_again(place: RunPlace) -> None:
    worker, mail = Worker(place), Mail(place)
    in_the_way = Path(path_of(place, KEY, 1) + ".new")
    in_the_way.mkdir()
    worker.outbox.begin(KEY, 1)
    worker.tell("moved", KEY, 1)
    worker.outbox.post()
    assert sent(mail) == []
    in_the_way.rmdir()
    worker.outbox.post()
    assert sent(mail) == [("moved", 1)]


def message(**changed: Any) -> dict[str, Any]:
    return {"run": "mine", "key": KEY, "attempt": 1, "told": {"moved": 5}} | changed


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        "[" * 60_000,
        "[]",
        "5",
        json.dumps(message(run="another")),
        json.dumps(message(key=["a"])),
        json.dumps(message(attempt=True)),
        json.dumps(message(told=[])),
        json.dumps(message(told={"moved": 1 << 63})),
        json.dumps(message(told={"moved": True})),
        json.dumps(message(told={"lease": "a\u202eb"})),
        json.dumps(message(more="x" * LONGEST)),
        5,
        None,
    ],
)
def test_a_message_that_is_none(text: object) -> None:
    assert read(text, "mine") == []
    assert read(json.dumps(message()), "mine") == [Told(KEY, 1, "moved", 5)]


def test_a_file_that_is_no_message_is_left_alone(place: RunPlace, tmp_path: Path) -> None:
    mail, path = Mail(place), Path(path_of(place, KEY, 1))
    os.mkfifo(path)
    assert sent(mail) == []  # and does not wait for a writer
    path.unlink()
    text = json.dumps(message(run=place.name))
    (tmp_path / "elsewhere").write_text(text)
    path.symlink_to(tmp_path / "elsewhere")
    assert sent(mail) == []
    path.unlink()
    path.write_text(json.dumps(message(run=place.name, attempt=2)))
    assert sent(mail) == []
    path.write_text(text)
    assert sent(mail) == [("moved", 5)]


def test_the_driver_drops_what_is_of_an_unknown_job_or_an_earlier_attempt() -> None:
    place = RunPlace("made up", "/nowhere", 0)
    job = ExportJob("vc", "vm", "{vm}.ova")
    events: list[fleet.Event] = []
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def body(assignment: Assignment) -> fleet.Outcome:
        if assignment.attempt == 1:
            again = fleet.Failure("again", "made up", "X")
            return assignment.outcome(state="failed", failure=again)
        inbox.put(Told(job.key, 1, "moved", 1))
        inbox.put(Told("another", 2, "moved", 2))
        inbox.put(Told(job.key, 2, "moved", 3))
        wait_for(lambda: any(event.kind == "moved" for event in events))
        return assignment.outcome(state="done")

    Driver(
        [Planned(Assignment(job, place, "vm.ova", "vm", None), "vc")],
        body=body,
        hands=Hands(None),
        inbox=inbox,
        rules=Rules(retry_delay=0.0),
        records=Records(progress=events.append),
        look_again=lambda _: None,
    ).drive()
    assert [event.bytes for event in events if event.kind == "moved"] == [3]


@in_quiet
def test_bytes_that_move_on_dask_workers_are_told(
    simulator: Simulator, plain: fleet.SessionFrom, client: Any, tmp_path: Path
) -> None:
    """By Dask's own events: the workers may be anywhere."""
    seen_to_grow(simulator, plain, tmp_path, client)
    assert client.get_events(TOPIC)
    seen_to_grow(simulator, plain, tmp_path, client.get_executor())


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_bytes_that_move_in_processes_are_told(
    simulator: Simulator, plain: fleet.SessionFrom, tmp_path: Path, method: str
) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context(method)) as executor:
        seen_to_grow(simulator, plain, tmp_path, executor)


def seen_to_grow(
    simulator: Simulator, session: fleet.SessionFrom, directory: Path, executor: Any
) -> None:
    """Each of two exports tells of its bytes more than once, before it has ended."""
    names = [unique("told") for _ in range(2)]
    for name in names:
        simulator.add_vm(name, disks=1)
    simulator.inject("bandwidth", bytes_per_second=100_000)
    moved: dict[str, list[int]] = {name: [] for name in names}

    def note(event: fleet.Event) -> None:
        if event.kind == "moved":
            moved[event.vm].append(event.bytes)
            if all(len(each) > 2 for each in moved.values()):
                simulator.clear()

    jobs = [fleet.ExportJob(session, name, f"{directory}/{{vm}}.ova") for name in names]
    summary = fleet.run(jobs, executor=executor, progress=note)
    assert len(summary.done) == 2
    for each in summary.done:
        assert sorted(moved[each.vm]) == moved[each.vm]
        assert 0 < moved[each.vm][-1] <= each.bytes
