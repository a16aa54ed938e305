"""What a command prints: results on standard output, all else on standard error."""

from __future__ import annotations

import sys

from nfclease._text import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
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
        self._out: TextIO | None = sys.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def take_stdout(self) -> None:
        """Standard output gets bytes from now on: lines go to standard error."""
        self._out = sys.stderr

    def row(self, row: Mapping[str, Any], text: str) -> None:
        """A result that was asked for: the object with ``--json``, else the text."""
        if self.json:
            import json

            text = json.dumps(row)
        _write(self._out, text)

    def done(self, row: Mapping[str, Any], text: str) -> None:
        """The last line of a job; none with ``--quiet``, but with ``--json`` always."""
        if self.json or not self.quiet:
            self.row(row, text)

    def line(self, text: str) -> None:
        """For people alone, on standard error: what is going on."""
        if not self.quiet and not self.json:
            _write(sys.stderr, text)

    def warn(self, text: str) -> None:
        """On standard error, whatever was asked for."""
        _write(sys.stderr, f"nfclease: warning: {escaped(text)}")

    def error(self, text: str) -> None:
        """What is wrong, on standard error, whatever was asked for; the command goes on."""
        safe = "".join(escaped(text[at : at + 200]) for at in range(0, len(text), 200))
        _write(sys.stderr, f"nfclease: {safe}")

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


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:
        print(text, file=stream, flush=True)
