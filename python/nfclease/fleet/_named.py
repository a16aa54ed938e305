"""Functions by their import path, by which another process finds them."""

from __future__ import annotations

import pkgutil
import sys

from nfclease.fleet.errors import SessionSourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def path_of(call: Callable[..., Any]) -> str | None:
    """``"module:function"``; None where no other process would find it so."""
    module, name = getattr(call, "__module__", None), getattr(call, "__qualname__", "")
    if module in (None, "__main__") or "<" in name or not name:
        return None
    found: Any = sys.modules.get(str(module))
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}:{name}" if found is call else None


def loaded(path: str, what: str) -> Callable[..., Any]:
    """What a path names.

    Args:
        path: ``"module:function"``.
        what: What it is for, for people.

    Raises:
        SessionSourceError: Nothing has that name here, or it cannot be called.
    """
    try:
        found = pkgutil.resolve_name(path)
    except (ImportError, AttributeError, ValueError) as error:
        raise SessionSourceError(f"{what}: {path} cannot be imported: {error}") from error
    if not callable(found):
        raise SessionSourceError(f"{what}: {path} is not a function")
    call: Callable[..., Any] = found
    return call
