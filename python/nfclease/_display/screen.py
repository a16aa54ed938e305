"""The bottom lines of a terminal, shared by all that is shown there; what is printed goes above."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import suppress
from typing import cast

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from nfclease._display.interrupts import after_this
from nfclease._display.terminal import Terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TextIO

    from rich.console import RenderableType


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Rich would end the process; a terminal that is gone ends no export."""
        self.quiet = True


class Screen:
    """One for the process: two that draw lines of their own would overwrite each other."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._shown: list[Callable[[int, int], list[RenderableType]]] = []
        self._live: Live | None = None
        self._terminal: Terminal | None = None
        self._lines: list[str] = []
        self._moved: list[tuple[Any, TextIO]] = []

    def add(self, rows: Callable[[int, int], list[RenderableType]]) -> None:
        """Shows these rows, made for a width and a number of lines, from now on."""
        with self._lock, after_this():
            self._shown.append(rows)
            try:
                if self._live is None:
                    self._start()
            except BaseException:  # a terminal that is gone already
                with suppress(OSError, ValueError):
                    self.remove(rows)
                raise

    def remove(self, rows: Callable[[int, int], list[RenderableType]]) -> None:
        """Takes them away; the last one leaves the terminal as it was."""
        with self._lock, after_this():
            if rows in self._shown:
                self._shown.remove(rows)
                if not self._shown:
                    self._stop()

    def above(self, text: str) -> None:
        """A line that stays, from the next refresh on."""
        with self._lock:
            self._lines.append(text)

    def refresh(self) -> None:
        with self._lock, after_this():
            lines, self._lines = self._lines, []
            if self._live is not None:
                with self._live.console:  # all in one piece: no row beside its own end
                    if lines:
                        self._live.console.print(Text("\n".join(lines)), soft_wrap=True)
                    self._live.refresh()

    def _start(self) -> None:
        self._terminal = Terminal(sys.stderr)
        file = cast("TextIO", self._terminal)
        console = _Console(file=file, force_jupyter=False, highlight=False)
        self._live = Live(
            console=console,
            get_renderable=self._renderable,
            auto_refresh=False,
            transient=True,
            redirect_stdout=_is_terminal(sys.stdout),
            vertical_overflow="crop",
        )
        before = (sys.stdout, sys.stderr)
        self._live.start()
        console.show_cursor(True)  # a process that is killed would leave none
        now = {id(before[0]): sys.stdout, id(before[1]): sys.stderr}
        for handler in _console_handlers():
            stream = handler.stream
            if now.get(id(stream), stream) is not stream:
                self._moved.append((handler, stream))
                handler.setStream(now[id(stream)])

    def _stop(self) -> None:
        live, self._live = self._live, None
        moved, self._moved = self._moved, []
        terminal, self._terminal = self._terminal, None
        try:
            if live is not None:
                live.stop()
        finally:
            if terminal is not None:
                terminal.give_back()
            for handler, stream in moved:
                with suppress(ValueError):  # it was closed meanwhile
                    handler.setStream(stream)

    def _renderable(self) -> RenderableType:
        """All rows, and an empty line, on which the terminal shows a Ctrl-C."""
        if self._live is None:
            return Text()
        width, height = self._live.console.size
        share = max(2, (height - 2) // max(1, len(self._shown)))
        return Group(*(row for rows in self._shown for row in rows(width, share)), Text())


def _is_terminal(stream: Any) -> bool:
    isatty = getattr(stream, "isatty", None)  # a process may have no standard output
    return isatty is not None and bool(isatty())


def _console_handlers() -> Iterator[logging.StreamHandler[Any]]:
    """What logs to a stream; it holds the stream that it was made with."""
    for name in [None, *logging.root.manager.loggerDict]:
        for handler in logging.getLogger(name).handlers:
            if isinstance(handler, logging.StreamHandler):
                yield handler


SCREEN = Screen()
