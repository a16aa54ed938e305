"""A vCenter that was away when a run began is asked again, while the jobs of the others run."""

from __future__ import annotations

from dataclasses import dataclass

from nfclease._log import logger
from nfclease._text import reason_of
from nfclease.fleet._pool import Pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from queue import SimpleQueue
    from typing import Any

    from nfclease.fleet._in_line import Planned

__all__ = ["Again", "ReadAgain"]


@dataclass(frozen=True)
class ReadAgain:
    """What the driver hears of jobs whose vCenter was asked again.

    Attributes:
        items: The jobs.
        planned: The same, as they are planned now; as unread as before where it is still away.
    """

    items: Sequence[Planned]
    planned: Sequence[Planned]


class Again:
    """Asks in threads: a login may take minutes, and other vCenters' jobs are not to wait for it.

    Args:
        plan: Reads the inventory of one session anew, for some of its jobs.
        inbox: Gets a `ReadAgain` for each session that was asked.
        submit: Makes a call in a thread; without it there are a few threads for these alone.
    """

    def __init__(
        self,
        plan: Callable[[Sequence[Planned]], list[Planned]],
        inbox: SimpleQueue[Any],
        submit: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self._plan, self._inbox = plan, inbox
        self._pool = Pool()
        self._submit = submit or self._pool.submit
        self._is_over = False

    def __call__(self, items: Iterable[Planned]) -> None:
        """Asks for these jobs, each session once; does not wait for that."""
        by_session: dict[str, list[Planned]] = {}
        for item in items:
            by_session.setdefault(item.vcenter, []).append(item)
        for asked in by_session.values():
            self._ask(asked)

    def look(self) -> None:
        """Starts threads in the place of those that a server holds up."""
        self._pool.look()

    def close(self) -> None:
        """The run is over: nothing more is asked."""
        self._is_over = True

    def _ask(self, items: Sequence[Planned]) -> None:
        def ask() -> None:
            if self._is_over:  # it would log in for nobody
                return
            planned: Sequence[Planned] = items
            try:
                planned = self._plan(items)
            except Exception as error:  # no job is to be lost: they stay unread
                logger().warning("%s cannot be planned: %s", items[0].vcenter, reason_of(error))
            self._inbox.put(ReadAgain(items, planned))

        try:
            self._submit(ask)
        except RuntimeError as error:  # no thread is left
            logger().warning("%s cannot be asked: %s", items[0].vcenter, reason_of(error))
            self._inbox.put(ReadAgain(items, items))
