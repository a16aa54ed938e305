"""Any sequence of calls, with a new driver anywhere: the journal says what a plain model says."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nfclease.fleet import Journal, Outcome

from ..support.journals import outcome, planned, started, states

KEYS = ["a", "b", "c", "d"]
STATES = ["done", "skipped", "failed", "cancelled"]


@dataclass
class Model:
    """The same in memory, said as simply as it can be."""

    states: dict[str, str] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    interrupted: set[str] = field(default_factory=set)
    ended: list[Outcome] = field(default_factory=list)

    def plan(self, key: str) -> None:
        self.states[key] = "planned"

    def start(self, key: str) -> None:
        self.states[key] = "running"
        self.interrupted.discard(key)
        self.running.add(key)

    def end(self, made: Outcome) -> None:
        self.states[made.key] = made.state
        self.interrupted.discard(made.key)
        self.running.discard(made.key)
        self.ended.append(made)

    def reopen(self) -> None:
        for key in self.running:
            self.states[key] = "interrupted"
        self.interrupted |= self.running
        self.running = set()

    def done(self, key: str) -> Outcome | None:
        if key in self.running | self.interrupted:
            return None
        good = [made for made in self.ended if (made.key, made.state) == (key, "done")]
        return good[-1] if good else None


def agree(journal: Journal, path: Path, model: Model) -> None:
    assert states(path) == model.states
    assert journal.interrupted() == sorted(model.interrupted)
    assert [*journal.outcomes()] == model.ended
    for key in KEYS:
        assert journal.done(key) == model.done(key)


@pytest.mark.parametrize("seed", range(40))
def test_it_replays_to_the_state_of_the_model(seed: int, tmp_path: Path) -> None:
    chance, path, model = random.Random(seed), tmp_path / "nightly.db", Model()
    journal = Journal(path)
    try:
        for number in range(60):
            key = chance.choice(KEYS)
            call = chance.choices(["plan", "start", "end", "reopen"], [3, 4, 3, 1])[0]
            if call == "plan":
                planned(journal, key)
                model.plan(key)
            elif call == "start":
                started(journal, key)
                model.start(key)
            elif call == "end":
                made = outcome(key, chance.choice(STATES), bytes=number)
                journal.end(made)
                model.end(made)
            else:
                journal.close()
                journal = Journal(path)
                model.reopen()
            agree(journal, path, model)
    finally:
        journal.close()
