"""The tasks of leases that this session's user began since some moment."""

from __future__ import annotations

import datetime
import time

from nfclease.inventory.tasks import blocking_tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.inventory.tasks import BlockingTask


def began_by_user(tasks: list[BlockingTask], service: Any, asked: float) -> list[BlockingTask]:
    """Those of leases that run, and that the session's user began since then; two calls.

    Args:
        tasks: Of which.
        service: The session's ``ServiceInstance``.
        asked: Since when, by ``time.monotonic``.
    """
    before = service.CurrentTime() - datetime.timedelta(seconds=time.monotonic() - asked)
    user = service.content.sessionManager.currentSession.userName
    return [
        each
        for each in tasks
        if each.is_lease
        and each.state == "running"
        and each.user == user
        and each.started is not None
        and each.started >= before
    ]


def own_lease_tasks(entity: Any, service: Any, asked: float) -> list[BlockingTask]:
    """The same of all tasks that hold an entity."""
    held = type(entity)(entity._moId, service._stub)
    return began_by_user(blocking_tasks(held), service, asked)
