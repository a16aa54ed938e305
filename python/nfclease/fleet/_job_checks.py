"""Fields that jobs have in common: texts, places of a new VM, and options of plain values."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping

from nfclease._arguments import LEASE_OPTIONS
from nfclease.fleet.sessions import SessionFrom

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["PLACES", "check_places", "check_texts", "places_of", "set_options"]

#: Where a new VM goes. All but the first may be left out.
PLACES = ("resource_pool", "datastore", "folder", "host")


@functools.cache
def _options_of(call: Callable[..., object]) -> frozenset[str]:
    """The keywords of a whole job, without those that are for the caller's own process."""
    known = inspect.signature(call).parameters.values()
    names = {each.name for each in known if each.kind is each.KEYWORD_ONLY}
    return (LEASE_OPTIONS | names) - {"progress", "urls"}


def check_texts(
    job: object, names: tuple[str, ...], sessions: tuple[str, ...] = ("session",)
) -> None:
    """Refuses what is not text, or is not a session.

    Raises:
        TypeError: A value is of another kind.
        ValueError: A text is empty, or cannot be printed.
    """
    kind = type(job).__name__
    for name in sessions:
        if not isinstance(getattr(job, name), (str, SessionFrom)):
            raise TypeError(f"{name} of {kind} must be a name or a SessionFrom")
    for name in names:
        value = getattr(job, name)
        if not isinstance(value, str):
            raise TypeError(f"{name} of {kind} must be a string, not {type(value).__name__}")
        if not value or not value.isprintable():
            raise ValueError(f"{name} of {kind} is empty or has control characters")


def check_places(job: object) -> None:
    """Refuses places of a new VM that are not text.

    Raises:
        TypeError: A value is of another kind.
        ValueError: A text is empty, or cannot be printed.
    """
    given = [name for name in PLACES[1:] if getattr(job, name) is not None]
    check_texts(job, (PLACES[0], "name", *given), ())


def places_of(job: object) -> dict[str, Any]:
    """Where the new VM of a job goes, by the names of its fields."""
    return {name: getattr(job, name) for name in PLACES}


def set_options(job: Any, call: Callable[..., object], *but: str) -> None:
    """Checks the options of a job, and gives it a copy: what the caller changes later is not meant.

    Args:
        job: A frozen one, while it is made.
        call: What the options are keywords of.
        *but: Keywords that are not options.

    Raises:
        TypeError: It is not a mapping, or a value is not plain.
        ValueError: An option is unknown.
    """
    object.__setattr__(job, "options", _checked(job.options, _options_of(call).difference(but)))


def _checked(options: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    if not isinstance(options, Mapping):
        raise TypeError(f"options must be a mapping, not {type(options).__name__}")
    unknown = sorted(map(str, set(options) - known))
    if unknown:
        raise ValueError(f"options has {', '.join(unknown)}; a job has {', '.join(sorted(known))}")
    return {name: _plain(name, value) for name, value in options.items()}


def _plain(name: str, value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(name, each) for each in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(name, each) for key, each in value.items()}
    raise TypeError(
        f"{name} must be text, a number, a bool, None, or a list or mapping of these, "
        f"not {type(value).__name__}: jobs go to other processes"
    )
