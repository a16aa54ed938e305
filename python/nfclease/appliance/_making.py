"""Something that a call makes on a server, and that is taken back when nobody wants it any more."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


class Making(Generic[_T]):
    """One call in one thread, which another may stop waiting for."""

    def __init__(
        self, call: Callable[[], _T], undo: Callable[[_T, BaseException | None], object]
    ) -> None:
        self._call, self._undo = call, undo
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._is_begun = False
        self._is_left = False
        self._made: list[_T] = []
        self._cause: BaseException | None = None

    def run(self) -> _T:
        """Makes it, in its thread; takes it back there, too, when it was left meanwhile."""
        with self._lock:
            self._is_begun = True
            if self._is_left:
                raise RuntimeError("nobody waits for this any more")
        try:
            value = self._call()
            with self._lock:
                self._made.append(value)
                is_left = self._is_left
            if is_left:
                self._undo(value, self._cause)
            return value
        finally:
            self._ended.set()

    def is_nothing(self) -> bool:
        """Whether the call has failed, so that nothing has to be taken back."""
        with self._lock:
            return self._ended.is_set() and not self._made

    def leave(self, cause: BaseException | None) -> None:
        """Takes it back: at once when it is there, else as soon as the call has brought it."""
        with self._lock:
            self._is_left, self._cause = True, cause
            made, is_begun = list(self._made), self._is_begun
        for value in made:
            self._undo(value, cause)
        if is_begun and not made:
            self._ended.wait()
