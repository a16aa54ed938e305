"""Where the VMs of a run are by now, without a long wait for a server that does not answer."""

from __future__ import annotations

import queue
import threading
import time

from nfclease._log import logger
from nfclease._text import reason_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    from nfclease.fleet.planning import Planned

    #: By the moId of a VM, its host's moId and name.
    Hosts: TypeAlias = dict[str, tuple[str, str]]

#: Seconds that all other jobs wait for the answer of a server.
_PATIENCE = 10.0


class Looks:
    """Reads the hosts of VMs, each session in a thread of its own.

    A server that has not answered is not asked again until it does: its VMs stay where they were,
    and the jobs of other servers start.

    Args:
        read: Asks the server of a session for the hosts of these jobs' VMs.
    """

    def __init__(self, read: Callable[[Sequence[Planned]], Hosts]) -> None:
        self._read = read
        self._asked: dict[str, threading.Thread] = {}

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
                name, hosts = answers.get(timeout=left)
            except queue.Empty:
                break
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
        before = self._asked.get(name)
        if before is not None and before.is_alive():
            return False

        def ask() -> None:
            hosts: Hosts = {}
            try:
                hosts = self._read(items)
            except Exception as error:  # the jobs themselves say what is wrong
                logger().warning(
                    "the hosts of VMs of %s cannot be read: %s", name, reason_of(error)
                )
            answers.put((name, hosts))

        self._asked[name] = threading.Thread(target=ask, name="nfclease-fleet-look", daemon=True)
        self._asked[name].start()
        return True
