"""The limit in bytes per second of a whole run, over threads, processes and a Dask cluster."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import fleet
from nfclease.fleet import _dividing
from nfclease.fleet._dividing import Division
from nfclease.fleet._place import RunPlace, replace_file
from nfclease.fleet._share import LEAST, Share, path_of
from nfclease.simulator import Simulator

from ..support.inventory import unique
from ..support.waiting import wait_for
from .cluster import in_quiet

SIMULATOR = {"disk_size": 1 << 20}
RATE = 1_500_000
#: What each process has before the run, and after it again.
BEFORE = 1 << 40
#: A busy machine is slower than a limit, never faster.
TOLERANCE = 1.1


@pytest.fixture(autouse=True)
def limit_before() -> Iterator[None]:
    """Of this process."""
    nfclease.set_max_bytes_per_second(BEFORE)
    yield
    nfclease.set_max_bytes_per_second(None)


def current_limit() -> int | None:
    """That of the process where it is called."""
    limit = nfclease.set_max_bytes_per_second(None)
    nfclease.set_max_bytes_per_second(limit)
    return limit


def limited(
    simulator: Simulator, session: Any, directory: Path, executor: Any, count: int = 6
) -> None:
    """Exports more VMs than run at once, and compares the rate of all of them together."""
    names = [unique("rate") for _ in range(count)]
    for number, name in enumerate(names):
        simulator.add_vm(name, disks=1, nvram=False, disk_size=(1 + number % 2) << 20)
    begun: list[float] = []

    def note(event: fleet.Event) -> None:
        if event.kind == "started":
            begun.append(time.monotonic())

    summary = fleet.run(
        [fleet.ExportJob(session, name, f"{directory}/{{vm}}.ova") for name in names],
        executor=executor,
        per_host=4,
        progress=note,
        max_bytes_per_second=RATE,
    )
    seconds = time.monotonic() - begun[0]
    assert len(summary.done) == count
    assert sum(each.bytes for each in summary.done) / seconds <= RATE * TOLERANCE
    assert all(nfclease.verify(each.target) for each in summary.done)
    assert current_limit() == BEFORE


def test_threads_share_the_limit_of_the_process(
    simulator: Simulator, lab: str, tmp_path: Path
) -> None:
    limited(simulator, lab, tmp_path, None)


def test_an_executor_whose_threads_are_not_known_as_such(
    simulator: Simulator, lab: str, tmp_path: Path
) -> None:
    class Wrapped(Executor):
        """It does not say where its jobs run."""

        def __init__(self) -> None:
            self._threads = ThreadPoolExecutor(4)

        def submit(self, *given: Any, **named: Any) -> Any:
            return self._threads.submit(*given, **named)

    limited(simulator, lab, tmp_path, Wrapped())


def test_processes_divide_the_limit_and_have_their_own_back(
    simulator: Simulator, plain: fleet.SessionFrom, tmp_path: Path
) -> None:
    with ProcessPoolExecutor(
        2,
        mp_context=get_context("spawn"),
        initializer=nfclease.set_max_bytes_per_second,
        initargs=(BEFORE,),
    ) as executor:
        limited(simulator, plain, tmp_path, executor)

        def limits() -> set[int | None]:
            calls = [executor.submit(current_limit) for _ in range(8)]
            return {call.result() for call in calls}

        wait_for(lambda: limits() == {BEFORE})


@in_quiet
def test_dask_workers_divide_the_limit_and_have_their_own_back(
    simulator: Simulator, plain: fleet.SessionFrom, client: Any, tmp_path: Path
) -> None:
    client.run(nfclease.set_max_bytes_per_second, BEFORE)
    limited(simulator, plain, tmp_path, client)
    wait_for(lambda: {*client.run(current_limit).values()} == {BEFORE})


@pytest.mark.parametrize(("rate", "error"), [(1023, ValueError), ("1", TypeError)])
def test_a_limit_that_is_none(lab: str, rate: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="max_bytes_per_second"):
        fleet.run([fleet.ExportJob(lab, "demo-vm", "{vm}.ova")], max_bytes_per_second=rate)


def test_a_process_keeps_its_share_until_it_hears_of_another(tmp_path: Path) -> None:
    place = RunPlace("made up", str(tmp_path), 0)
    share = Share(place)

    def word(version: Any, given: Any) -> None:
        text = f'{{"version": {version}, "shares": {{"{share.name}": {given}}}}}'
        replace_file(path_of(place), text)
        share.look()

    share.begin("a", 5000)
    assert current_limit() == 5000
    word(2, 3000)
    assert current_limit() == 3000
    for wrong in [(1, 9000), (2, 9000), ("true", 9000), (3, '"9000"'), (3, "[]"), (3, "{")]:
        word(*wrong)
    assert current_limit() == 3000
    share.begin("b", 5000)  # it was given that before the others heard
    assert current_limit() == 3000
    word(4, 1 << 70)
    assert current_limit() == 1 << 62
    word(5, -5)
    assert current_limit() == LEAST
    share.end("a")
    share.leave()
    assert current_limit() == LEAST
    share.end("b")
    share.leave()
    assert current_limit() == BEFORE


class Processes:
    """Jobs that begin and end in real shares, told to a real division in a made-up order."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.shares = [Share(RunPlace("made up", "/nowhere", 0)) for _ in range(4)]
        self.division = Division(RATE, self._say)
        self._words: list[str] = []
        self._given: dict[str, int] = {}
        self._told: list[tuple[str, Share]] = []
        self.running: dict[str, Share] = {}
        self._number = 0

    def _say(self, text: str) -> Any:
        late = [share for share in self.shares if self.chance.random() < 0.5]
        for share in self.shares:
            if share not in late:
                share.hear(text)

        def is_heard() -> bool:
            while late and self.chance.random() < 0.7:
                late.pop().hear(text)
            return not late

        return is_heard

    def start(self) -> None:
        keys = [f"job {self._number + each}" for each in range(self.chance.randint(1, 4))]
        self._number += len(keys)
        self._given |= self.division.start(keys)

    def begin(self) -> None:
        if self._given:
            key, first = self._given.popitem()
            share = self.chance.choice(self.shares)
            share.begin(key, first)
            self.running[key] = share
            self._told.append((key, share))

    def tell(self) -> None:
        if self._told:
            key, share = self._told.pop(0)
            self.division.began(key, share.name)

    def end(self) -> None:
        if self.running:
            key = self.chance.choice([*self.running])
            self.running.pop(key).end(key)
            self.division.end(key)

    def may_use(self) -> int:
        """All processes together."""
        return sum(share._granted + sum(share._first.values()) for share in self.shares)


def test_the_shares_never_come_to_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dividing, "_INTERVAL", 0.0)
    monkeypatch.setattr(_dividing, "_KEPT", 0.0)
    for seed in range(200):
        made = Processes(seed)
        steps = [made.start, made.begin, made.begin, made.tell, made.tell, made.end]
        for _ in range(60):
            made.chance.choice([*steps, made.division.renew, made.division.renew])()
            assert made.may_use() <= RATE, seed
        made.start()
        for _ in range(200):
            made.begin()
            made.tell()
            made.division.renew()
            assert made.may_use() <= RATE, seed
        jobs = len(made.running)
        for share in made.shares:
            here = sum(other is share for other in made.running.values())
            assert share._granted == RATE * here // jobs, seed
