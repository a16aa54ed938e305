"""What a command prints: results on standard output, all else on standard error."""

from __future__ import annotations

import errno
import os
import re
import sys
from contextlib import contextmanager

from nfclease._log import calls, logger
from nfclease.cli.wording import without_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    import logging
    from collections.abc import Iterator, Mapping
    from typing import Any, TextIO

    from typing_extensions import Self

    from nfclease.progress import ProgressOption


class Console:
    """The two streams of one run, by ``--json``, ``--quiet`` and ``-v``.

    Args:
        args: With ``json``, ``quiet``, ``verbose`` and ``debug``, where the command has them.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.json: bool = bool(getattr(args, "json", False))
        self.quiet: bool = bool(getattr(args, "quiet", False))
        self.verbose: int = int(getattr(args, "verbose", 0) or 0)
        self._on_stderr = False
        self._handler: logging.Handler | None = None
        self._level: int = 0
        for stream in (sys.stdout, sys.stderr):  # a name may hold what the terminal cannot show
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="backslashreplace")

    def __enter__(self) -> Self:
        """Shows what nfclease logs, from now on."""
        import logging

        self._handler = handler = logging.StreamHandler(sys.stderr)
        # A closed standard error ends nothing, and has nobody to tell.
        handler.handleError = lambda record: None  # type: ignore[method-assign]
        levels = {0: logging.WARNING, 1: logging.INFO}
        handler.setLevel(levels.get(self.verbose, logging.DEBUG))
        handler.setFormatter(_formatter())
        ours = logger()
        ours.addHandler(handler)
        self._level = ours.level
        if self.verbose:
            ours.setLevel(handler.level)
        if self.verbose > 1:
            calls().setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        import logging

        if self._handler is not None:
            logger().removeHandler(self._handler)
            logger().setLevel(self._level)
            calls().setLevel(logging.WARNING)

    def take_stdout(self) -> None:
        """Standard output gets bytes from now on: results go to standard error."""
        self._on_stderr = True

    def row(self, row: Mapping[str, Any], text: str) -> None:
        """A result that was asked for: the object with ``--json``, else the text."""
        if self.json:
            import json

            text = json.dumps(row)
        if self._on_stderr:
            _tell(text)
        else:
            _print(text)

    def done(self, row: Mapping[str, Any], text: str) -> None:
        """The last line of a job; none with ``--quiet``, but with ``--json`` always."""
        if self.json or not self.quiet:
            self.row(row, text)

    def made(self, command: str, result: Any, seconds: float, text: str) -> None:
        """The last line of a job that made a file: its result, and the time that it took."""
        from dataclasses import asdict

        row = {"type": "summary", "command": command, **asdict(result)}
        self.done(row | {"seconds": round(seconds, 3)}, f"{text}, in {seconds:.1f} s")

    def line(self, text: str) -> None:
        """For people alone, on standard error: what is going on."""
        if not self.quiet and not self.json:
            _tell(text)

    def warn(self, text: str) -> None:
        """On standard error, whatever was asked for."""
        _tell(f"nfclease: warning: {text}")

    def decision(self, text: str) -> None:
        """With ``-v``: what was chosen, and why."""
        if self.verbose:
            _tell(f"nfclease: {text}")

    def call(self, text: str) -> None:
        """With ``-vv``: a call to the server."""
        if self.verbose > 1:
            _tell(f"nfclease: call: {text}")

    def error(self, text: str) -> None:
        """What is wrong, on standard error, whatever was asked for; the command goes on."""
        _tell(f"nfclease: {text}")

    @property
    def progress(self) -> ProgressOption:
        """What ``progress=`` of the API gets."""
        if self.quiet or self.json or sys.stderr is None:
            return None
        try:
            import rich  # noqa: F401
        except ImportError:
            from nfclease.cli.lines import Lines

            return Lines()
        return True


def show_warnings() -> None:
    """Python's own warnings in one line each, to the end of the process."""
    import warnings

    def show(message: Warning | str, *_: object, **__: object) -> None:
        _tell(f"nfclease: warning: {message}")

    warnings.showwarning = show


def _formatter() -> logging.Formatter:
    import logging

    class Formatter(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            kind = "call: " if record.name == "nfclease.calls" else ""
            if record.levelno >= logging.WARNING:
                kind = f"{record.levelname.lower()}: "
            # A lease's name has the session's key in it.
            text = re.sub(r"\bsession\[[^]]*\]", "session[...]", record.getMessage())
            return printable(f"nfclease: {kind}{text}").replace("\n", " ")

    return Formatter()


def printable(text: str) -> str:
    """Lines without what a terminal would obey: names of a server's may hold anything."""
    return "".join(
        char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text
    )


def _tell(text: str) -> None:
    """A line on standard error; that nobody can read it ends nothing."""
    try:
        if sys.stderr is not None:
            print(without_password(printable(text)), file=sys.stderr, flush=True)
    except (OSError, ValueError):
        pass


def _print(text: str) -> None:
    """A line on standard output.

    Raises:
        OSError: It cannot be written, for another reason than that its reader has gone.
    """
    if sys.stdout is not None:
        with _written(sys.stdout):
            print(printable(text), file=sys.stdout, flush=True)


def flush() -> None:
    """Writes what is left of standard output. A reader may go away, as `head` does.

    Raises:
        OSError: It cannot be written, for another reason.
    """
    if sys.stdout is not None:
        with _written(sys.stdout):
            sys.stdout.flush()


@contextmanager
def _written(stdout: TextIO) -> Iterator[None]:
    """The errors of standard output, which come at once where Python buffers nothing."""
    try:
        yield
    except OSError as error:
        _to_nowhere(stdout)
        if error.errno != errno.EPIPE:
            raise OSError(error.errno, error.strerror, "standard output") from None
    except ValueError:  # closed
        pass


def _to_nowhere(stdout: TextIO) -> None:
    """What is left in the buffer goes where it harms nothing: Python writes it again at its end."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        pass
