"""How a caller waits. The operations know one of these, and not which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from nfclease import _core
    from nfclease.progress import Reporter
    from nfclease.transfer import Transfer, TransferResult

_T = TypeVar("_T")

#: Seconds that an Abort, clean-up of transfers included, may take before the caller goes on.
CLEANUP_TIMEOUT = 10.0

#: Seconds between two looks at what is shown.
INTERVAL = 0.2

if TYPE_CHECKING:

    class Waiting(Protocol):
        """What a body may wait for."""

        def may_wait(self, cause: BaseException | None) -> bool:
            """Whether clean-up after this exception can be waited for."""

        async def for_work(self, work: _core.Work) -> Any:
            """The result of native work."""

        async def for_call(self, call: Callable[[], _T]) -> _T:
            """The result of a vSphere call, which pyvmomi makes in a thread that it blocks."""

        async def for_transfers(
            self, transfers: list[Transfer], report: Reporter | None
        ) -> list[TransferResult]:
            """All results in order; the first failure as soon as it happens."""

        async def for_cleanup(self, work: _core.Work, seconds: float) -> Any:
            """The result of an ending, or None when it takes longer; it goes on then."""

        def in_order(self) -> AbstractAsyncContextManager[Any]:
            """Lets through one caller after another, as they came."""

        async def for_stop(self, transfers: list[Transfer], until: float) -> None:
            """Waits until cancelled transfers have removed their partial files."""


def stop_all(transfers: list[Transfer]) -> float:
    """Cancels, and says until when to wait."""
    return max((transfer._started.stop() for transfer in transfers), default=0.0)
