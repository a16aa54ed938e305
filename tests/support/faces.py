"""Both faces under one test: `HttpNfcLease` itself, and its asyncio twin driven step by step."""

from __future__ import annotations

import asyncio
import gc
import inspect
import weakref
from collections.abc import Coroutine
from types import TracebackType
from typing import Any

from nfclease import AsyncHttpNfcLease, HttpNfcLease, Transfer

#: What a test that opens a lease runs on, one after the other.
FACES = ("blocking", "asyncio")


class OpenLease:
    """Makes leases of one face, with the arguments of ``HttpNfcLease``."""

    def __init__(self, face: str) -> None:
        self.face = face
        self.opened = 0
        self._loop = asyncio.new_event_loop() if face == "asyncio" else None
        self._driven: weakref.WeakSet[Driven] = weakref.WeakSet()
        #: What the loop complained about: an error that nobody got, say.
        self._said: list[dict[str, Any]] = []
        if self._loop is not None:
            self._loop.set_exception_handler(lambda _, said: self._said.append(said))

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.opened += 1
        if self._loop is None:
            return HttpNfcLease(*args, **options)
        driven = Driven(self._loop, *args, **options)
        self._driven.add(driven)
        return driven

    def close(self, *, is_skipped: bool = False) -> None:
        """Ends the face's event loop, if it has one.

        Raises:
            AssertionError: No lease was opened: a test would be of this face by name only. Or
                the loop complained.
        """
        if self._loop is not None:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()
            if any(driven.was_interrupted for driven in self._driven):
                gc.collect()  # a forgotten task complains when it goes
        assert not self._said, self._said
        assert self.opened or is_skipped, f"the test opened no lease of the {self.face} face"


class Driven:
    """An ``AsyncHttpNfcLease`` with the manners of the blocking one, for the tests of that.

    Attributes:
        driven: The lease itself.
        was_interrupted: Whether something else than an error ended a wait for it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *args: Any, **options: Any) -> None:
        self._loop = loop
        self.was_interrupted = False
        self.driven = AsyncHttpNfcLease(*args, **options)

    def _drive(self, value: Any) -> Any:
        if isinstance(value, Transfer):  # awaited for its result, which a test asks for itself
            return value
        if inspect.isawaitable(value):

            async def awaited() -> Any:
                return await value

            return self._run(awaited())
        return value

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What ``asyncio.run`` does of it: who is interrupted leaves no task behind."""
        task = self._loop.create_task(work)
        try:
            return self._loop.run_until_complete(task)
        except BaseException as error:
            if not isinstance(error, Exception):
                self.was_interrupted = True
            if not task.done():
                task.cancel()
                self._loop.run_until_complete(asyncio.wait([task]))
                if not task.cancelled():
                    task.exception()  # the interrupt is what comes out
            raise

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what tests look at is the lease's own
            return getattr(self.driven.lease, name)
        value = self._drive(getattr(self.driven, name))
        if not inspect.ismethod(value):
            return value
        return lambda *args, **kwargs: self._drive(value(*args, **kwargs))

    def __enter__(self) -> Driven:
        self._drive(self.driven.__aenter__())
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._drive(self.driven.__aexit__(exc_type, exc, traceback))
