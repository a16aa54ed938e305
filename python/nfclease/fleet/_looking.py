"""Where the VMs of a run are by now, without a long wait for a server that does not answer."""

from __future__ import annotations

import queue
import time

from nfclease._log import logger
from nfclease._text import reason_of
from nfclease.fleet._pool import Pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    from nfclease.fleet.planning import Planned

    #: By the moId of a VM, its host's moId and name.
    Hosts: TypeAlias = dict[str, tuple[str, str]]

#: Seconds that all other jobs wait for the answer of a server.
_PATIENCE = 10.0
#: Seconds between two looks at servers that may hold up the calls of others.
_LOOK = 0.25


class Looks:
    """Reads the hosts of VMs, a few sessions at once.

    A server that has not answered is not asked again until it does: its VMs stay where they were,
    and the jobs of other servers start.

    Args:
        read: Asks the server of a session for the hosts of these jobs' VMs.
        submit: Makes a call in a thread; without it there are a few threads for these alone.
    """

    def __init__(
        self,
        read: Callable[[Sequence[Planned]], Hosts],
        submit: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        self._read = read
        self._pool = Pool()
        self._submit = submit or self._pool.submit
        #: The sessions whose servers have not answered.
        self._asked: set[str] = set()

    def __call__(self, items: Iterable[Planned]) -> None:
        """Notes the host in each job whose VM has moved. Jobs whose server fails stay as they are.

        Args:
            items: Jobs that are about to start.
        """
        by_session: dict[str, list[Planned]] = {}
        for each in items:
            if each.assignment.moid:
                by_session.setdefault(each.vcenter, []).append(each)
        answers: queue.SimpleQueue[tuple[str, Hosts]] = queue.SimpleQueue()
        waiting = {name for name, asked in by_session.items() if self._ask(name, asked, answers)}
        until = time.monotonic() + _PATIENCE
        while waiting and (left := until - time.monotonic()) > 0:
            try:
                name, hosts = answers.get(timeout=min(left, _LOOK))
            except queue.Empty:
                self._pool.look()
                continue
            waiting.discard(name)
            for each in by_session[name]:
                found = hosts.get(each.assignment.moid)
                if found is not None:
                    each.host, each.host_name = found
        for name in waiting:
            logger().warning("%s has not said within %g s where its VMs are", name, _PATIENCE)

    def _ask(
        self, name: str, items: Sequence[Planned], answers: queue.SimpleQueue[tuple[str, Hosts]]
    ) -> bool:
        if name in self._asked:
            return False

        def ask() -> None:
            hosts: Hosts = {}
            try:
                hosts = self._read(items)
            except Exception as error:  # the jobs themselves say what is wrong
                logger().warning(
                    "the hosts of VMs of %s cannot be read: %s", name, reason_of(error)
                )
            self._asked.discard(name)
            answers.put((name, hosts))

        self._asked.add(name)
        try:
            self._submit(ask)
        except RuntimeError:  # no thread is left
            self._asked.discard(name)
            raise
        return True
