"""How a subclass answers for pyvmomi's class: every member goes to a plain lease that it holds."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, TypeVar, cast

from pyVmomi import vim

_F = TypeVar("_F", bound=Callable[..., Any])
_PyvmomiType: Any = type(vim.HttpNfcLease)


class LeaseType(_PyvmomiType):  # type: ignore[misc]
    """Finds nested types such as ``State`` where pyvmomi looks them up: by its own class's name."""

    def __getattr__(cls, name: str) -> Any:  # noqa: N805
        return getattr(vim.HttpNfcLease, name)


def vsphere_call(signature: _F) -> _F:
    """Makes a method that is one call of vSphere; the function gives signature and docstring."""
    return cast("_F", functools.wraps(signature)(_sent_by(signature.__name__)))


def mirror_the_rest(ours: Any) -> None:
    """Sends what `ours` does not describe, future versions' members included, the same way."""
    made: dict[int, Any] = {}
    for name in dir(vim.HttpNfcLease):
        theirs = getattr(vim.HttpNfcLease, name)
        if name in ours.__dict__:
            continue
        if isinstance(theirs, property):
            setattr(ours, name, property(operator.attrgetter(f"_nfc_plain.{name}")))
        elif hasattr(theirs, "info"):  # a method; both of its names are one object
            setattr(ours, name, made.setdefault(id(theirs), _sent_by(name)))


def _sent_by(name: str) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._nfc_plain, name)(*args, **kwargs)

    call.__name__ = name
    return call
