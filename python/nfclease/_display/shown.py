"""What ``progress=True`` shows: bars in a terminal, a table in a notebook, or lines in a log."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager

from nfclease._display.overview import Overview, line
from nfclease._display.reporter import Reporter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Protocol

    from nfclease._display.overview import Seen
    from nfclease.progress import TransferProgress
    from nfclease.transfer import Transfer

    class Moving(Protocol):
        """Where an overview is drawn again and again."""

        def ended(self, text: str) -> None: ...
        def refresh(self) -> None: ...
        def close(self) -> None: ...


#: Seconds between two lines where no bar can move.
_LINE_INTERVAL = 10.0


def check_bars() -> None:
    """Refuses bars that cannot be drawn.

    Raises:
        ImportError: rich is not installed.
    """
    if _in_kernel():
        return
    try:
        import rich  # noqa: F401
    except ImportError:
        raise ImportError(
            "progress=True needs rich: pip install 'nfclease[progress]', or pass a callable"
        ) from None


class _Display(Reporter):
    """Shows an overview. A log that is full or closed does not end an export."""

    #: Until it cannot be written to.
    _works = True

    def __init__(self, transfers: Sequence[Transfer]) -> None:
        super().__init__(transfers, self._show)
        self._overview = Overview(transfers)

    def _show(self, progress: TransferProgress) -> None:
        self._overview.take(progress)

    def update(self) -> None:
        if self._works:
            with self._writing():
                super().update()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError):  # a closed file raises ValueError
            self._works = False


class _Drawn(_Display):
    """Rows that move, in a terminal or a notebook."""

    def __init__(self, transfers: Sequence[Transfer]) -> None:
        super().__init__(transfers)
        moving = where_rows_move(self._overview)
        if moving is None:
            raise ValueError("the terminal is gone")
        self._moving = moving

    def _show(self, progress: TransferProgress) -> None:
        super()._show(progress)
        if progress.done:
            self._moving.ended(line(self._overview.row(progress)))

    def update(self) -> None:
        super().update()
        if self._works:
            with self._writing():
                self._moving.refresh()

    def close(self) -> None:
        try:
            with self._writing():
                if self._works:
                    for row in self._overview.running():  # broken off
                        self._moving.ended(line(row._replace(state="stopped")))
                    total = self._overview.total(final=True)
                    if total is not None:
                        self._moving.ended(line(total))
                    self._moving.refresh()
        finally:
            with self._writing():
                self._moving.close()


class _Lines(_Display):
    """A line now and then, where standard error is not a terminal."""

    def __init__(self, transfers: Sequence[Transfer]) -> None:
        super().__init__(transfers)
        self._next_line = dict.fromkeys((transfer.key for transfer in transfers), 0.0)
        self._attempts = dict.fromkeys(self._next_line, 1)

    def _show(self, progress: TransferProgress) -> None:
        super()._show(progress)
        now = time.monotonic()
        again = progress.attempts > self._attempts[progress.key]
        waits = progress.attempts == 0 or now < self._next_line[progress.key]
        if waits and not again and not progress.done:
            return
        self._next_line[progress.key] = now + _LINE_INTERVAL
        self._attempts[progress.key] = max(1, progress.attempts)
        print(line(self._overview.row(progress, alone=True)), file=sys.stderr, flush=True)


def display(transfers: Sequence[Transfer]) -> Reporter | None:
    """What suits this standard error; None without one."""
    try:
        if _in_kernel() or _in_terminal():
            return _Drawn(transfers)
        return None if sys.stderr is None else _Lines(transfers)
    except (OSError, ValueError):  # a closed standard error
        return None


def where_rows_move(seen: Seen) -> Moving | None:
    """Draws it in a notebook or a terminal; None where neither is.

    Raises:
        OSError: The terminal is gone.
        ValueError: Standard error is closed.
    """
    if _in_kernel():
        from nfclease._display.notebook import Rows

        return Rows(seen)
    if _in_terminal():
        from nfclease._display.bars import Bars

        return Bars(seen)
    return None


def _in_terminal() -> bool:
    """Whether lines of it can be drawn again."""
    isatty = getattr(sys.stderr, "isatty", None)  # a process may have no standard error
    return isatty is not None and bool(isatty()) and os.environ.get("TERM") not in _DUMB


_DUMB = ("dumb", "unknown")


def _in_kernel() -> bool:
    """Whether a notebook shows what is displayed."""
    shell: Any = sys.modules.get("IPython")
    return shell is not None and hasattr(shell.get_ipython(), "kernel")
