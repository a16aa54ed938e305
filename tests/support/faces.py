"""Both faces under one test: `HttpNfcLease` itself, and its asyncio twin driven step by step."""

from __future__ import annotations

import asyncio
import inspect
from types import TracebackType
from typing import Any

from nfclease import AsyncHttpNfcLease, Transfer


class Driven:
    """An ``AsyncHttpNfcLease`` with the manners of the blocking one, for the tests of that."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *args: Any, **options: Any) -> None:
        self._loop = loop
        self._face = AsyncHttpNfcLease(*args, **options)

    def _drive(self, value: Any) -> Any:
        if isinstance(value, Transfer):  # awaited for its result, which a test asks for itself
            return value
        if inspect.isawaitable(value):

            async def awaited() -> Any:
                return await value

            return self._loop.run_until_complete(awaited())
        return value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what tests look at is the lease's own
            return getattr(self._face.lease, name)
        value = self._drive(getattr(self._face, name))
        if not inspect.ismethod(value):
            return value
        return lambda *args, **kwargs: self._drive(value(*args, **kwargs))

    def __enter__(self) -> Driven:
        self._drive(self._face.__aenter__())
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._drive(self._face.__aexit__(exc_type, exc, traceback))
