"""The clients take turns, round after round, as long as the time lasts."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from .measure import Cost
from .memory import renew
from .parts import Parts
from .report import Row, document, summarise
from .scenarios import MIB, Scenario, Stage
from .server import serve
from .variants import Variant

SHARED_MEMORY = Path("/dev/shm")

#: Uncounted runs before each scenario of the first round.
_FIRST = 3

Costs = dict[tuple[str, str], list[Cost]]
Results = dict[str, dict[str, Row]]


class Plays(Protocol):
    """Where a client runs."""

    def play(self, scenario: Scenario, variant: Variant) -> Cost:
        """One run of one client, every digest checked."""


@contextmanager
def staged(
    programs: Path, loader: Variant, disk_mib: int, small_disk_mib: int, *, chunked: bool = False
) -> Iterator[tuple[dict[str, Plays], Path, str]]:
    """A server and a folder for the block, and what that is on: memory, where it has room."""
    # The large disk and its part, the small ones and a package of them, and those of the sample.
    needed = (2 * disk_mib + 8 * small_disk_mib + 512) * MIB
    roomy = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > needed
    place, storage = (SHARED_MEMORY, "tmpfs") if roomy else (None, "disk")
    largest = max(disk_mib, small_disk_mib) * MIB
    with tempfile.TemporaryDirectory(prefix="nfclease-bench-", dir=place) as name:
        folder = Path(name)
        with serve(programs, folder, chunked=chunked, largest=largest) as server:
            stage = Stage(server, folder, loader)
            parts = Parts(server, folder / "part")
            yield {"get": stage, "put": stage, "part": parts}, folder, storage


def ready(everyone: dict[str, Variant]) -> dict[str, Variant]:
    """Those that can run here; what cannot is printed with the reason."""
    found = dict(everyone)
    for name, variant in everyone.items():
        if reason := variant.missing():
            print(f"{variant.title}: not run ({reason})")
            del found[name]
    return found


def play(
    stages: dict[str, Plays],
    plan: list[Scenario],
    clients: dict[str, Variant],
    most: int,
    until: float,
) -> tuple[Costs, int]:
    """What each run cost, and how many rounds there were, each in the order opposite to the last.

    Before each scenario one of them runs uncounted, in the first round more than once. Before
    each counted run, memory is made what it is after one.

    Args:
        stages: Where they run, by the verb of a scenario.
        plan: What they are asked to do.
        clients: Those that can.
        most: Rounds.
        until: Of ``time.monotonic``; a round that would end later is not begun: fewer rounds, and
            the same work in each.
    """
    costs: Costs = defaultdict(list)
    rounds, estimate = 0, 0.0
    while rounds < most and time.monotonic() + estimate < until:
        estimate = 0.0
        for scenario in plan:
            stage = stages[scenario.verb]
            started = time.monotonic()
            again = [name for name in scenario.variants if name not in scenario.once]
            for name in [name for name in again if name in clients][1:2]:
                for _ in range(1 if rounds else _FIRST):
                    stage.play(scenario, clients[name])
            estimate += time.monotonic() - started
            for name in in_turn(scenario, rounds):
                if name not in clients:
                    continue
                started = time.monotonic()
                renew()
                costs[scenario.name, name].append(stage.play(scenario, clients[name]))
                if name not in scenario.once:
                    estimate += time.monotonic() - started
        rounds += 1
    return costs, rounds


def in_turn(scenario: Scenario, number: int) -> Iterator[str]:
    """The clients of one round, in the order of their turns; some have more than one."""
    for turn in range(max((1, *scenario.turns.values()))):
        for name in scenario.variants[:: -1 if (number + turn) % 2 else 1]:
            if name in scenario.once:
                if number == turn == 0:
                    yield name
            elif scenario.turns.get(name, 1) > turn:
                yield name


def summary(plan: list[Scenario], costs: Costs) -> Results:
    """The rows of each scenario."""
    return {
        scenario.name: {
            name: summarise(scenario.total_for(name), costs[scenario.name, name])
            for name in scenario.variants
            if (scenario.name, name) in costs
        }
        for scenario in plan
    }


def write(path: Path, results: Results, costs: Costs, settings: dict[str, Any]) -> None:
    """Everything as JSON."""
    runs: list[dict[str, Any]] = [
        {"scenario": scenario, "client": name, "run": i, **asdict(cost)}
        for (scenario, name), group in costs.items()
        for i, cost in enumerate(group)
    ]
    path.write_text(json.dumps(document(results, runs, settings), indent=1) + "\n")
