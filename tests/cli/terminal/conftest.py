"""The command in a terminal of tmux, and transfers that wait until the test has looked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Protocol

import pytest

from nfclease.simulator import Simulator

from ...support.command import Command
from ...support.tmux import Tmux, nfclease_in

#: Bytes after which a disk waits.
HELD_AT = 1 << 20


@pytest.fixture(scope="module")
def shared_simulator() -> Iterator[Simulator]:
    """With disks that are larger than what is held at."""
    with Simulator(disk_size="3m", initializing=0.05) as simulator:
        yield simulator


class InTerminal(Protocol):
    """Starts the command in a window of its own."""

    def __call__(
        self,
        *arguments: str | os.PathLike[str],
        columns: int = 100,
        stdin: str = "",
        env: dict[str, str] | None = None,
    ) -> Tmux: ...


@pytest.fixture
def in_terminal(nfclease: Command) -> Iterator[InTerminal]:
    opened: list[Tmux] = []

    def in_terminal(
        *arguments: str | os.PathLike[str],
        columns: int = 100,
        stdin: str = "",
        env: dict[str, str] | None = None,
    ) -> Tmux:
        command = nfclease_in(arguments, stdin, **{"TERM": "screen-256color", **(env or {})})
        environment = nfclease.environment
        opened.append(Tmux(command, columns=columns, lines=40, environment=environment))
        return opened[-1]

    yield in_terminal
    for each in opened:
        each.close()


@pytest.fixture
def held(simulator: Simulator) -> Iterator[None]:
    """Each disk moves its first MiB, and the rest when the test calls `Simulator.clear`."""
    simulator.inject("stall", disk=".vmdk", after_bytes=HELD_AT)
    yield
    simulator.clear()


def masked(screen: str) -> str:
    """A screen with what differs from run to run: numbers, and how long a bar is."""
    text = re.sub(r"\d+\.\d+", "#", screen)
    return re.sub(r"[━╸╺]+", "=", re.sub(r"[ \t]+", " ", text)).strip()
