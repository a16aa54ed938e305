"""``--dask``: the cluster whose workers carry out an export of many VMs."""

from __future__ import annotations

from contextlib import contextmanager

from nfclease._text import escaped
from nfclease.cli.failure import UsageError
from nfclease.exceptions import ConnectError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: Seconds for the scheduler's answer.
_TIMEOUT = 30.0


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A ``distributed.Client`` whose workers can log in.

    Raises:
        UsageError: Dask is not installed, or a worker is missing or lacks what it needs.
        ConnectError: The scheduler does not answer.
    """
    try:
        import distributed
    except ImportError:
        raise UsageError("--dask needs Dask: pip install distributed") from None
    try:
        made: Any = distributed.Client
        client = made(address, timeout=_TIMEOUT, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConnectError(
            f"no Dask scheduler answers at {escaped(address)}: {escaped(str(error))}\n"
            "its address is like tcp://scheduler.example.com:8786"
        ) from None
    with client:
        _check(client)
        yield client


def _check(client: Any) -> None:
    """Asks each worker whether it could log in.

    Raises:
        UsageError: It could not, or the scheduler has no worker.
    """
    from nfclease.cli.many.login import has_password

    answers = client.run(has_password, on_error="return")
    if not answers:
        raise UsageError("the Dask scheduler has no worker: start dask worker, then try again")
    for worker, answer in answers.items():
        if isinstance(answer, BaseException):
            raise UsageError(
                f"the Dask worker {escaped(worker)} cannot export: {escaped(str(answer))}; it "
                "needs the same nfclease as this machine"
            )
        if answer is not True:
            raise UsageError(
                f"the Dask worker {escaped(worker)} has no password: set GOVC_PASSWORD in the "
                "environment of each worker, or there to the path of a file that has it"
            )
