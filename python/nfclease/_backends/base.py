"""How a caller waits. The operations know one of these, and not which.

An operation is a coroutine that awaits its backend and nothing else.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from typing import Any, Protocol, TypeAlias, TypeVar

    from nfclease import _core

    _T = TypeVar("_T")

    #: Waits until one more of some transfers has ended, or some seconds have passed.
    NextEnd: TypeAlias = Callable[[float | None], Awaitable[None]]

    class Backend(Protocol):
        """What an operation may wait for."""

        #: Whether a task gets the outcome of a wait: it may end without having observed it.
        in_task: bool

        def may_wait(self, cause: BaseException | None) -> bool:
            """Whether clean-up after this exception can be waited for."""

        async def for_work(self, work: _core.Work) -> Any:
            """The result of native work."""

        async def for_call(self, call: Callable[[], _T]) -> _T:
            """The result of a vSphere call, which pyvmomi makes in a thread that it blocks."""

        def watch(self, transfers: Sequence[_core.Transfer]) -> AbstractContextManager[NextEnd]:
            """Looks at transfers for the length of a block."""

        async def for_cleanup(self, work: _core.Work, seconds: float) -> Any:
            """The result of an ending, or None when it takes longer; it goes on then."""

        def in_order(self) -> AbstractAsyncContextManager[Any]:
            """Lets through one caller after another, as they came."""

        async def for_stop(self, transfers: Sequence[_core.Transfer], until: float) -> None:
            """Waits until cancelled transfers have removed their partial files."""


#: Seconds that an Abort, clean-up of transfers included, may take before the caller goes on.
CLEANUP_TIMEOUT = 10.0

#: Seconds between two looks at what is shown.
INTERVAL = 0.2
