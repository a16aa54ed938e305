"""A job in a process of its own, which is killed in the middle of it.

    python -m tests.faults.soup.killing SEED PACKAGES TARGET

Where vCenter is, it reads. When it has found the VM it says so, and waits for a line.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from pyVim.connect import SmartConnect
from pyVmomi import vim

from ...support.inventory import find
from ..harness.runner import ROOT
from .jobs import job_of
from .recipe import Recipe, recipe_of
from .stage import VM, Stage

_READY = "ready\n"


class Killed(BaseException):
    """The process with the job was killed; nobody has anything of it but what it left."""


class Victim:
    """The process, as it stands before its job: nothing goes wrong until then.

    Args:
        stage: Where its vCenter is.
        recipe: Of its job.
        target: Where it writes.
    """

    def __init__(self, stage: Stage, recipe: Recipe, target: Path) -> None:
        server = stage.simulator
        at = {"host": server.host, "port": server.port, "user": server.user}
        told = {**at, "pwd": server.password, "ca_file": server.ca_file, "tmp": str(stage.tmp)}
        command = [sys.executable, "-m", "tests.faults.soup.killing", str(recipe.seed)]
        self._moment = recipe.moment
        self._process = subprocess.Popen(
            [*command, str(stage.packages), str(target)],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what it says of errors is looked at in the other runs
        )
        self._say(json.dumps(told))
        assert self._process.stdout is not None
        if self._process.stdout.readline() != _READY:
            self._end()
            raise RuntimeError("the process with the job did not start")

    def run(self) -> NoReturn:
        """Lets it begin, and kills it.

        Raises:
            Killed: Always.
        """
        self._say("")
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self._moment)
        self._end()
        raise Killed

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)

    def _end(self) -> None:
        self._process.kill()
        with self._process:
            pass


def main() -> None:
    """Does the job, once it may."""
    seed, packages, target = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    at: dict[str, Any] = json.loads(sys.stdin.readline())
    tempfile.tempdir = at.pop("tmp")
    context = ssl.create_default_context(cafile=at.pop("ca_file"))
    service = SmartConnect(**at, sslContext=context)
    job = job_of(recipe_of(seed), find(service, vim.VirtualMachine, VM), packages, target)
    print(_READY, end="", flush=True)
    sys.stdin.readline()
    job()


if __name__ == "__main__":
    main()
