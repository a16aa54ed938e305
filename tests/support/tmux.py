"""A terminal of tmux, with whatever runs in it: keys go in, screens come out."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence

import pytest

from .waiting import wait_for

#: What a command has printed after its end, with its exit code.
_ENDED = re.compile(r"^ended with (\d+)$", re.MULTILINE)


class Tmux:
    """One window of a server that is the test's alone.

    Args:
        command: What runs in it.
        columns: Its width.
        lines: Its height.
        environment: All that the command has.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 100,
        lines: int = 30,
        environment: Mapping[str, str],
    ) -> None:
        tmux = shutil.which("tmux")
        if tmux is None:
            pytest.skip("not run: tmux is not installed")
        # The path of a socket has 107 bytes at most.
        self._folder = tempfile.TemporaryDirectory(prefix="nfclease-")
        self._command = [tmux, "-S", f"{self._folder.name}/tmux", "-f", "/dev/null"]
        ours = ("TMUX", "COLUMNS", "LINES")
        kept = {name: value for name, value in environment.items() if name not in ours}
        self._environment = {**kept, "LC_ALL": "C.UTF-8"}
        size = ["-x", str(columns), "-y", str(lines)]
        self._tmux("new-session", "-d", *size, shlex.join(command))

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._command, *arguments], env=self._environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def screen(self, history: bool = False, colours: bool = False) -> str:
        """What stands on it now; above it what has scrolled away."""
        options = ["-S", "-"] if history else []
        options += ["-e"] if colours else []
        text = self._tmux("capture-pane", "-p", *options)
        return text.rstrip("\n")

    def press(self, *keys: str) -> None:
        """Keys by their names in tmux, such as ``Tab`` or ``C-c``."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def until(
        self,
        seen: str | Callable[[str], object],
        seconds: float = 40,
        *,
        colours: bool = False,
    ) -> str:
        """The screen as soon as it has a text, or a condition holds of it."""
        shown: list[str] = []

        def holds() -> object:
            shown[:] = [self.screen(history=True, colours=colours)]
            return seen in shown[0] if isinstance(seen, str) else seen(shown[0])

        try:
            wait_for(holds, seconds)
        except AssertionError:
            pytest.fail(f"not seen: {seen}\n{shown[0]}")
        return shown[0]

    def ended(self) -> tuple[int, str]:
        """Waits for the end of a command of `nfclease_in`: its exit code, and what stays."""
        text = self.until(lambda shown: _ENDED.search(shown))
        found = _ENDED.search(text)
        assert found is not None
        return int(found[1]), text[: found.start()].rstrip("\n")

    def close(self) -> None:
        subprocess.run([*self._command, "kill-server"], capture_output=True)
        self._folder.cleanup()


def nfclease_in(
    arguments: Sequence[str | os.PathLike[str]], stdin: str = "", **environment: str
) -> list[str]:
    """A shell that runs the command, tells its exit code, and keeps the window.

    Args:
        arguments: Of the command.
        stdin: A file to read in place of the terminal.
        **environment: What tmux would set itself, such as ``TERM``.
    """
    words = ["env", *(f"{name}={value}" for name, value in environment.items())]
    words += [sys.executable, "-m", "nfclease", *(os.fspath(each) for each in arguments)]
    line = shlex.join(words) + (f" < {shlex.quote(stdin)}" if stdin else "")
    # The shell outlives a Ctrl-C, and the command does not inherit that.
    return [
        "sh",
        "-c",
        f"trap : INT; {line}; code=$?; echo; echo ended with $code; exec sleep 1000",
    ]
