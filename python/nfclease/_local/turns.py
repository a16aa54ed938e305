"""File objects that transfers use: who has which, and whose turn it is at what they share."""

from __future__ import annotations

import itertools
import os
import threading
from contextlib import ExitStack, contextmanager
from weakref import WeakSet, WeakValueDictionary

from nfclease._local.places import Part, parts_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from nfclease import _core

_numbers = itertools.count()
_registering = threading.Lock()


def position(file: Any) -> object:
    """Where it stands; None where it has no position."""
    try:
        return file.tell()
    except Exception:  # somebody's own, or closed
        return None


class _Place:
    """What keeps a position, while some transfer uses it. Steps over it are taken in turn."""

    def __init__(self) -> None:
        self.number = next(_numbers)
        #: Readers wait for readers only: a writer may be what a reader waits for.
        self.turns = {"source": threading.Lock(), "target": threading.Lock()}
        self.users: WeakSet[End] = WeakSet()
        #: Whose step was the last.
        self.last: object = None


#: A key stands for an object only as long as an end that has it keeps its place.
_places: WeakValueDictionary[tuple[object, ...], _Place] = WeakValueDictionary()


class End:
    """One file object of one transfer. The core holds it as long as it uses it, and nobody else."""

    kind: str

    def __init__(self, file: Any, name: str) -> None:
        self._file, self.name = file, name
        self._core: _core.Transfer | None = None
        self._free = False
        self._me = object()
        self._parts = parts_of(file)
        with _registering:
            places = {part.key: _places.setdefault(part.key, _Place()) for part in self._parts}
            self._places = sorted(places.values(), key=lambda place: place.number)
            for place in self._places:
                for other in place.users:
                    self._refuse(other)
            for place in self._places:
                place.users.add(self)
        self._stands = self._where()
        if self.kind == "source":
            self._look_in_turn()

    def _look_in_turn(self) -> None:
        """The first look, at what else uses the place as well: it is done in turn."""
        try:
            with self._turn():
                self._look(self._others())
        except BaseException:
            self.free()
            raise

    def _look(self, others: set[End]) -> None:
        """Finds out what there is to read, and from where."""
        raise NotImplementedError

    def _refuse(self, other: End) -> None:
        if other.is_free():
            return
        if other._file is self._file:
            raise ValueError(
                f"this file object belongs to the running transfer of {other.name}; "
                "give each transfer its own"
            )
        if self.kind == other.kind == "source":
            return
        for mine, theirs in self._shared_with(other):
            direct = mine.way.direct and theirs.way.direct
            chained = mine.way.chained and theirs.way.chained
            one = self.kind == other.kind and mine.file is theirs.file and chained
            if direct or one:
                raise self._mixed(other)

    def _others(self) -> set[End]:
        """Those that use a place of ours now."""
        with _registering:
            users = {other for place in self._places for other in place.users}
        return {other for other in users if other is not self and not other.is_free()}

    def _shared_with(self, other: End) -> Iterator[tuple[Part, Part]]:
        pairs = itertools.product(self._parts, other._parts)
        return ((mine, theirs) for mine, theirs in pairs if mine.key == theirs.key)

    def _mixed(self, other: End) -> ValueError:
        return ValueError(
            f"this file object and that of the running transfer of {other.name} are over one "
            "file position, and their bytes would mix; open the file once for each"
        )

    def started(self, core: _core.Transfer) -> None:
        """The transfer that it belongs to."""
        self._core = core

    def free(self) -> None:
        """It is done with the file object, which the caller may have let go."""
        self._free = True
        self._file, self._parts, self._places = None, [], []

    def is_free(self) -> bool:
        """Whether the file object may go to another transfer."""
        return self._free or (self._core is not None and self._core.done())

    def _where(self) -> list[object]:
        return [position(part.file) for part in self._parts if not part.way.placed]

    def _is_moved(self) -> bool:
        """Whether something beneath stands elsewhere since the last step."""
        parts = (part for part in self._parts if not part.way.placed)
        # What somebody's own class does to its own insides meanwhile is its business.
        all_count = any(place.last is not self._me for place in self._places)
        return any(
            then != now and (all_count or part.way.direct)
            for part, then, now in zip(parts, self._stands, self._where(), strict=True)
        )

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One step while nobody else's is under way."""
        with ExitStack() as held:
            for place in self._places:  # each in the same order, or two would wait for each other
                held.enter_context(place.turns[self.kind])
            yield
            self._stands = self._where()
            for place in self._places:
                place.last = self._me


def _after_fork() -> None:
    global _registering
    _registering = threading.Lock()  # another thread of the parent may hold that one
    _places.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
