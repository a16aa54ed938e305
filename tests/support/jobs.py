"""Whole jobs on both faces: what a job waits over, and a driver of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import nfclease
from nfclease._backends.blocking import run
from nfclease.appliance._face import AsyncioFace, BlockingFace

if TYPE_CHECKING:
    from nfclease.appliance._face import Face

_T = TypeVar("_T")


def run_job(face: str, job: Callable[[Face], Coroutine[Any, Any, _T]]) -> _T:
    """What a job returns, over the face of this name."""
    if face == "blocking":
        return run(job(BlockingFace()))

    async def driven() -> _T:
        return await job(AsyncioFace())

    return asyncio.run(driven())


class Export:
    """``export_vm`` of one face; the asyncio one in a loop of its own."""

    def __init__(self, face: str) -> None:
        self._face = face

    def __call__(self, *args: Any, **options: Any) -> nfclease.ExportResult:
        if self._face == "blocking":
            return nfclease.export_vm(*args, **options)
        return asyncio.run(nfclease.export_vm_async(*args, **options))
