"""The leases that this process holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from nfclease.lease import HttpNfcLease

#: By identity: two objects of one lease are equal, and a set would keep one.
_open: WeakValueDictionary[int, HttpNfcLease] = WeakValueDictionary()


def add(lease: HttpNfcLease) -> None:
    """Keeps in mind that this object holds its lease."""
    _open[id(lease)] = lease


def all_held() -> list[HttpNfcLease]:
    """The objects whose lease the server may hold for us."""
    return [lease for lease in list(_open.values()) if lease._nfc_core.is_held()]


def is_held_beside(lease: Any) -> bool:
    """Whether another object holds the same lease, as of a notebook's cell that is run again."""
    return any(other is not lease and other == lease for other in all_held())
