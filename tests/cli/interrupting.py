"""A command in a process of its own that gets a signal at a moment that the simulator reports."""

from __future__ import annotations

import itertools
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from nfclease.simulator import Simulator

from ..support.command import TIMEOUT, Command, Done
from ..support.waiting import wait_for
from .moments import Moment

#: The signals that end a command, and the exit code of each.
SIGNALS: dict[int, int] = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def spread(moments: Sequence[Moment]) -> list[Any]:
    """Each moment with one of the signals, in turns, for a test of ``moment`` and ``number``."""
    turns = itertools.cycle(SIGNALS)
    return [
        pytest.param(moment, number, id=f"{signal.Signals(number).name} {moment.name}")
        for moment, number in zip(moments, turns, strict=False)
    ]


class Interrupting:
    """Starts commands, and sends them a signal while the simulator holds them.

    Args:
        command: How they are started.
        simulator: What they talk to.
        folder: Where their output goes, in files: nobody reads a pipe while they run.
    """

    def __init__(self, command: Command, simulator: Simulator, folder: Path) -> None:
        self._command, self._simulator = command, simulator
        self._out, self._err = folder / "stdout", folder / "stderr"
        self._process: subprocess.Popen[str] | None = None

    def start(
        self, *arguments: str | Path, ignores: Sequence[int] = (), **options: Any
    ) -> subprocess.Popen[str]:
        """Starts one, which ignores some signals from its first moment on."""

        def ignore() -> None:
            for number in ignores:
                signal.signal(number, signal.SIG_IGN)

        with self._out.open("wb") as out, self._err.open("wb") as err:
            given = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err, **options}
            self._process = self._command.start(
                *arguments, preexec_fn=ignore if ignores else None, **given
            )
        return self._process

    def said(self) -> list[str]:
        """Its standard error so far."""
        return self._err.read_text().splitlines()

    def has_said(self, count: int) -> bool:
        """Whether there are so many lines on its standard error."""
        return len(self.said()) >= count

    def until(self, moment: Moment) -> None:
        """Waits for the moment.

        Raises:
            AssertionError: The command ended before it.
        """
        self.wait_for(lambda: moment.reached(self._simulator))

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Waits until it holds, while the command runs.

        Raises:
            AssertionError: The command ended before it.
        """
        process = self._process
        assert process is not None

        def is_there() -> bool:
            assert process.poll() is None, f"{process.returncode}: {self.said()}"
            return bool(condition())

        wait_for(is_there, TIMEOUT)

    def ended(self) -> Done:
        """Waits for its end; what a shell would see."""
        assert self._process is not None
        code = self._process.wait(TIMEOUT)
        return Done(code, self._out.read_text(), self._err.read_text())

    def at(self, moment: Moment, number: int, *arguments: str | Path) -> Done:
        """What comes of a command that gets the signal at this moment."""
        moment.hold(self._simulator)
        process = self.start(*arguments)
        self.until(moment)
        process.send_signal(number)
        if moment.settles:
            self._simulator.clear()
        done = self.ended()
        self._simulator.clear()
        return done

    def close(self) -> None:
        """Ends one that a test has left."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def check_said(done: Done, code: int) -> None:
    """An exit code as after this signal, one line about it, and nothing that looks like a crash."""
    assert done.code == code, done.stderr
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("nfclease: ")
