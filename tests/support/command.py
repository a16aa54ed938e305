"""The real command in a process of its own, with an environment that is the test's alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from nfclease.simulator import Simulator

#: For a command that hangs; nothing is timed by it.
TIMEOUT = 90.0


class Done(NamedTuple):
    """A command that ended: what a shell would see."""

    code: int
    stdout: str
    stderr: str


def objects(text: str) -> list[dict[str, Any]]:
    """The JSON object in each line."""
    return [json.loads(line) for line in text.splitlines()]


def govc_environment(simulator: Simulator) -> dict[str, str]:
    """What a govc session with this simulator has."""
    environment = {
        "GOVC_URL": simulator.url,
        "GOVC_USERNAME": simulator.user,
        "GOVC_PASSWORD": simulator.password,
    }
    if simulator.ca_file is not None:
        environment["GOVC_TLS_CA_CERTS"] = simulator.ca_file
    return environment


class Command:
    """Runs ``python -m nfclease``: no GOVC_* of the caller, no terminal.

    Args:
        environment: What it has beside the caller's; ``None`` as a value takes a variable away.
    """

    def __init__(self, environment: Mapping[str, str | None]) -> None:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("GOVC_")}
        clean |= {"COLUMNS": "80", "PYTHONWARNINGS": ""}
        self.environment = _changed(clean, environment)

    def __call__(
        self,
        *arguments: str | os.PathLike[str],
        env: Mapping[str, str | None] | None = None,
        stdin: str | None = None,
        **options: Any,
    ) -> Done:
        """Runs it to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "nfclease", *arguments],
            env=_changed(self.environment, env or {}),
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            **options,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(
        self,
        *arguments: str | os.PathLike[str],
        env: Mapping[str, str | None] | None = None,
        **options: Any,
    ) -> subprocess.Popen[str]:
        """Starts it, its three streams pipes unless told otherwise; the test ends it."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        given: dict[str, Any] = {"text": True, **pipes, **options}
        return subprocess.Popen(
            [sys.executable, "-m", "nfclease", *arguments],
            env=_changed(self.environment, env or {}),
            **given,
        )


def _changed(before: Mapping[str, str], by: Mapping[str, str | None]) -> dict[str, str]:
    merged: dict[str, str | None] = {**before, **by}
    return {key: value for key, value in merged.items() if value is not None}
