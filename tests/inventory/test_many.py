"""More VMs than a page of an answer holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import nfclease
from nfclease.inventory import _reading, find, list_vms
from nfclease.simulator import Simulator

from ..support.inventory import connected

COUNT = _reading._PAGE + 10


@pytest.fixture(scope="module")
def crowded() -> Iterator[Simulator]:
    with Simulator(disks=0) as simulator:
        simulator.add_vms("web", COUNT, folders=3)
        yield simulator


@pytest.fixture
def session(crowded: Simulator) -> Iterator[Any]:
    yield from connected(crowded)


def test_all_pages_are_read(crowded: Simulator, session: Any) -> None:
    crowded.reset()
    rows = list_vms(session, "web-*")
    assert len({row.moid for row in rows}) == len(rows) == COUNT
    assert {row.path.split("/")[3] for row in rows} == {"web-1", "web-2", "web-3"}
    assert len(crowded.calls("RetrievePropertiesEx")) == 1
    assert len(crowded.calls("ContinueRetrievePropertiesEx")) == 1
    assert find(session, f"web-{COUNT}").name == f"web-{COUNT}"
    last = next(row for row in rows if row.name == f"web-{COUNT}")
    assert find(session, last.path.removeprefix("/DC0/vm/")) == last.entity


def test_many_vms_have_disks_of_one_content(crowded: Simulator) -> None:
    crowded.add_vms("small", 3, disks=2, disk_size=1024)
    first, last = (crowded.vm_files(f"small-{number}") for number in (1, 3))
    assert [each["kind"] for each in first] == ["disk", "disk"]
    assert [each["size"] for each in first] == [each["size"] for each in last]


def test_an_answer_without_end_is_refused(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_reading, "_MOST", 100)
    with pytest.raises(nfclease.LimitExceededError, match="more than 100 objects") as caught:
        list_vms(session)
    assert (caught.value.limit, caught.value.allowed) == ("inventory_objects", 100)
