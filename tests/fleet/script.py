"""A run in a process of its own, which can be stopped or killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from nfclease.simulator import Simulator

from .conftest import VARIABLE


class Script:
    """``run_exports.py`` in a process group of its own."""

    def __init__(self, how: str, simulator: Simulator, directory: Path, vms: list[str]) -> None:
        where = [str(simulator.port), simulator.user, simulator.ca_file or "", str(directory)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.fleet.run_exports", how, *where, *vms],
            env={**os.environ, VARIABLE: simulator.password},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def lines(self, word: str) -> Iterator[str]:
        """What it prints from now on that begins with a word."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                yield line

    def end(self) -> tuple[str, str]:
        """What it wrote until its end."""
        return self.process.communicate(timeout=60)


def is_moving(simulator: Simulator, count: int) -> bool:
    begun = [each for each in simulator.requests() if each["ended"] is None]
    return len(begun) >= count
