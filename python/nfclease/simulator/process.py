"""The simulator's process, from the side of a test: how it starts, what it says, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_STOP_SECONDS = 5.0
_END_SECONDS = 0.5


class SimulatorError(RuntimeError):
    """The simulator did not start, has ended, or refused what it was asked."""


class Process:
    """A running ``python -m nfclease.simulator``.

    Raises:
        SimulatorError: It did not start; the text has what it said.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        python = os.environ.get("NFCLEASE_SIMULATOR_PYTHON") or sys.executable
        # A file, for nobody reads a pipe while it serves.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [python, "-m", "nfclease.simulator", *_flags(options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the test: its leases want to be aborted
            )
        except OSError:
            self._errors.close()
            raise
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            reason = self.said().rpartition("simulator: error: ")[2]  # without the usage
            status = self.stop(quiet=True)
            raise SimulatorError(f"the simulator did not start (exit status {status}): {reason}")
        #: What it told of itself.
        self.about: dict[str, Any] = json.loads(line)

    def said(self) -> str:
        """Its standard error so far."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()

    def ended(self) -> str | None:
        """How it ended, and what it said; None while it runs.

        For one that does not answer: a process that was killed is gone a moment later.
        """
        try:
            status = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        said = "" if self._errors.closed else self.said()
        return f"the simulator ended with exit status {status}{said and ': '}{said}"

    def stop(self, quiet: bool = False) -> int:
        """Ends it and passes on what it said; returns its exit status. May be called again."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        if not self._errors.closed:
            if not quiet and (said := self.said()):
                print(said, file=sys.stderr)
            self._errors.close()
        return process.returncode


def _flags(options: dict[str, Any]) -> list[str]:
    """Options as the command line has them; False turns on a ``--no-`` flag."""
    flags: list[str] = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is None or (value is True and name in ("tls", "stdin")):
            continue
        if value is True:
            flags.append(flag)
        elif value is False:
            flags += [f"--no-{name}"] if name in ("tls", "stdin") else []
        else:
            flags.append(f"{flag}={value}")  # as one word: a password may begin with "-"
    return flags


def _environment() -> dict[str, str]:
    """This process's environment; on this Python, the other one imports this very package."""
    if os.environ.get("NFCLEASE_SIMULATOR_PYTHON"):
        return dict(os.environ)  # what is beside this package is for this Python only
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
