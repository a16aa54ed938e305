"""A case of its own, for tests of the harness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nfclease import HttpStatusError

from .case import Case
from .result import Result
from .runner import Runner
from .world import World


def run(
    runner: Runner, body: Callable[..., None], face: str = "blocking", **options: Any
) -> Result:
    """A case of this body."""
    return runner.run(Case("H99", "a case", "something", body, **options), face)


def broken(world: World) -> None:
    """What is as it should be: an export fails, and leaves nothing."""
    world.simulator.inject("status", disk="disk-0", code=410)
    with world.fails(HttpStatusError, status=410):
        world.job()
