"""A call that opens a lease, and whose answer is lost: the server may hold that lease."""

from __future__ import annotations

import http.client
import re
import ssl
import time
from xml.parsers.expat import ExpatError

from pyVmomi import vim

from nfclease._log import extra, logger
from nfclease._text import escaped, reason_of
from nfclease.exceptions import AmbiguousLeaseError
from nfclease.inventory import lease_tasks
from nfclease.inventory._own_tasks import began_by_user, own_lease_tasks
from nfclease.inventory.blocked import way_out_of_lease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.inventory import BlockingTask

_IMPORT = "ImportVApp"
#: What pyvmomi raises when a connection breaks that may have carried the call.
_BROKEN = (ConnectionError, TimeoutError, ssl.SSLError, http.client.HTTPException, ExpatError)
#: Of these, what shows that it did not.
_NEVER_SENT = (ConnectionRefusedError, ssl.SSLCertVerificationError)
#: How pyvmomi says that a call had another status than 200 or 500. Behind 502 to 504 of a front
#: the server may work on; any other is a refusal.
_REFUSED = re.compile(r"\s*(?!50[234])\d{3}\b")
#: Seconds until the second look for a lease: a server behind a front may be at work still.
_AGAIN = 0.5


def opened_once(method: str, entity: Any, *args: object) -> Any:
    """The lease that one call opens.

    Args:
        method: The call, such as ``ExportVm``; it is made once, since each opens another lease.
        entity: What it is a method of.
        *args: What it gets.

    Raises:
        AmbiguousLeaseError: It had no answer.
        vmodl.MethodFault: The server refused.
        OSError: It was not sent.
    """
    asked = time.monotonic()
    try:
        return getattr(entity, method)(*args)
    except _BROKEN as error:
        if isinstance(error, _NEVER_SENT):
            raise
        if isinstance(error, http.client.HTTPException) and _REFUSED.match(str(error)):
            raise
        raise _ambiguous(method, entity, error, asked) from error


def _ambiguous(method: str, entity: Any, cause: Exception, asked: float) -> AmbiguousLeaseError:
    tasks: list[BlockingTask] = []
    try:
        tasks = _seen(method, entity, asked)
        if not tasks:
            time.sleep(_AGAIN)
            tasks = _seen(method, entity, asked)
    except Exception as error:  # the connection is broken, or the session is gone
        seen = f"Whether it does cannot be read ({reason_of(error)[:100]}): {way_out_of_lease()}"
    else:
        shown = "; ".join(str(each) for each in tasks[:2])
        seen = f"It shows {shown}: {way_out_of_lease()}" if tasks else "It shows none: try again"
    ambiguous = AmbiguousLeaseError(
        f"{method} of {escaped(entity._moId)} had no answer ({reason_of(cause)[:100]}), and was "
        f"not sent again: the server may hold a lease of it. {seen}"
    )
    ambiguous.tasks = tuple(tasks)
    if isinstance(entity, (vim.VirtualMachine, vim.VirtualApp)) and method != _IMPORT:
        ambiguous.vm = entity._moId
    logger().error("%s", ambiguous, extra=extra(vm=ambiguous.vm))
    return ambiguous


def _seen(method: str, entity: Any, asked: float) -> list[BlockingTask]:
    """The tasks that the call may have begun."""
    service = vim.ServiceInstance("ServiceInstance", entity._stub)
    if method != _IMPORT:
        return own_lease_tasks(entity, service, asked)
    found = began_by_user(lease_tasks(service), service, asked)
    return [each for each in found if _IMPORT.lower() in each.operation.lower()]
