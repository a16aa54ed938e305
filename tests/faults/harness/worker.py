"""A process that runs cases, and the end of it that asks: what kills the process costs one run."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from .case import Case
from .places import ROOT
from .result import Result

#: What a run may take beside its case: a new simulator, warming up, and the invariants.
_BESIDE = 120.0
#: How much of what a process said is told of one that ended.
_MOST = 1500


class Worker:
    """A process with a directory of its own, which runs one case after the other.

    Args:
        seed: Of the chance in the cases.
        within: What starts it, for a directory; it is then the process that one case asks for.
        module: Which module it runs, for tests of this.
    """

    def __init__(
        self,
        seed: int,
        within: Callable[[str], list[str]] | None = None,
        module: str = "tests.faults",
    ) -> None:
        self._seed, self._is_outer = seed, within is None
        self._folder = tempfile.TemporaryDirectory(prefix="nfclease-faults-")
        own = Path(self._folder.name, "own")
        own.mkdir()
        command = within(str(own)) if within else []
        command = [*command, sys.executable, "-m", module, "--worker", self._folder.name]
        command += ["--seed", str(seed), *([] if self._is_outer else ["--inside"])]
        self._said = Path(self._folder.name, "said")
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,  # a Ctrl-C for the catalogue is none for a case
            )

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def is_alive(self) -> bool:
        """Whether it can run another case."""
        return self._process.poll() is None

    def run(self, case: Case, face: str, variant: str = "") -> Result:
        """Runs one of the runs of a case there; a process that ends or hangs has failed it."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps([case.id, face, variant]).encode() + b"\n")
            self._process.stdin.flush()
        # The process that a case asks for is a worker's own, and has to end before that one.
        seconds = 4 * case.deadline + _BESIDE * (2 if self._is_outer else 1)
        answer = self._answer(seconds)
        if answer:
            return Result(**json.loads(answer))
        code = self._process.poll()
        ended = f"ended with {code}" if code is not None else f"did not end in {seconds:.0f} s"
        self.kill()
        said = self._said.read_text(errors="replace")[-_MOST:]
        return Result(case.id, face, variant, "failed", "", [f"I9: its process {ended}: {said}"])

    def _answer(self, seconds: float) -> bytes:
        """A line of its output; empty where the process has ended or says nothing for so long.

        The end of the output would not do: a child of the case may hold it open.
        """
        assert self._process.stdout is not None
        output, said = self._process.stdout.fileno(), b""
        until = time.monotonic() + seconds
        while not said.endswith(b"\n") and time.monotonic() < until:
            is_alive = self.is_alive
            if select.select([output], [], [], 0.2)[0]:
                said += (data := os.read(output, 1 << 16))
                if not data:
                    self._process.wait()
                    break
            elif not is_alive:
                break
        return said if said.endswith(b"\n") else b""

    def close(self) -> None:
        """Ends it, with the simulators that it has started."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process.stdout.close()
        self._folder.cleanup()

    def kill(self) -> None:
        """Ends it at once, and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)
