"""Tracebacks without our own frames, which tell a script nothing that it could change."""

# ruff: noqa: B904 - what is raised again is the same error

from __future__ import annotations

import contextlib
import os
from types import TracebackType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import TypeVar

    _T = TypeVar("_T")
    _E = TypeVar("_E", bound=BaseException)

#: Set to ``full`` it leaves every frame where it is.
VARIABLE = "NFCLEASE_TRACEBACKS"

_HERE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")


def shortened(error: _E) -> _E:
    """The same error, to be raised by who caught it, without the frames of ours it passed before.

    What others' code did in between stays: a callback, a file object, pyvmomi.
    """
    if os.environ.get(VARIABLE) == "full":
        return error
    frames = []
    frame = error.__traceback__
    while frame is not None:
        frames.append(frame)
        frame = frame.tb_next
    chain: TracebackType | None = None
    ours = False
    for frame in reversed(frames):
        file = frame.tb_frame.f_code.co_filename
        ours = file.startswith(_HERE) or (ours and file == contextlib.__file__)
        if not ours:
            chain = TracebackType(chain, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return error.with_traceback(chain)


async def without_our_frames(operation: Awaitable[_T]) -> _T:
    """What is awaited, and its error with a short traceback."""
    try:
        return await operation
    except BaseException as error:
        raise shortened(error)
