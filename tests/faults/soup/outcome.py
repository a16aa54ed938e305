"""How the job of a seed ended, as a caller sees it."""

from __future__ import annotations

import asyncio
import errno
import traceback
from dataclasses import dataclass, field
from typing import Any

from pyVmomi import vmodl

from nfclease import InternalError, NfcError

from ..harness import secrets, texts
from .jobs import CallersError
from .killing import Killed
from .recipe import Recipe

#: What may come out where that happens on this side.
_OF_TROUBLE: dict[str, type[BaseException]] = {
    "raises": CallersError,
    "cancelled": asyncio.CancelledError,
    "signal": KeyboardInterrupt,
    "killed": Killed,
}
#: Those that come at a moment of the caller's, also when all is done.
INTERRUPTS = (KeyboardInterrupt, asyncio.CancelledError, CallersError)


@dataclass
class Ended:
    """What came out.

    Attributes:
        verified: The least of what the job says of its files; empty where it failed.
        kind: The class of the error.
        lease_outcome: What the error says of its lease.
        violations: What it may not be.
        texts: What a reader sees of it.
        pickles: Of the error.
    """

    verified: str = ""
    kind: type[BaseException] | None = None
    lease_outcome: str = ""
    violations: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    pickles: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """One word for the counts."""
        return self.kind.__name__ if self.kind is not None else f"verified: {self.verified}"


def worked(results: list[Any]) -> Ended:
    """Of a job that gave its files."""
    said = {result.verified for result in results}
    return Ended(verified="manifest" if said == {"manifest"} else "stream")


def failed(error: BaseException, recipe: Recipe) -> Ended:
    """Of one that raised; the error is not kept, since it holds its lease."""
    ended = Ended(kind=type(error), lease_outcome=getattr(error, "lease_outcome", None) or "")
    shown = traceback.TracebackException.from_exception(error)
    text = "".join(shown.format())
    ended.texts = [text, repr(error), str(vars(error)), *getattr(error, "__notes__", [])]
    ended.pickles = secrets.pickled(error)
    ended.violations += texts.of_error(error)
    if not _is_ours(error, recipe):
        ended.violations.append(f"I8: not an error of ours: {text[-1200:]}")
    chain: BaseException | None = error
    while chain is not None:
        traceback.clear_frames(chain.__traceback__)
        chain = chain.__context__
    return ended


def _is_ours(error: BaseException, recipe: Recipe) -> bool:
    if isinstance(error, InternalError):
        return False
    if isinstance(error, NfcError) or type(error) is _OF_TROUBLE.get(recipe.trouble):
        return True
    if isinstance(error, vmodl.MethodFault):  # a call of pyvmomi's, whose answer it is
        return recipe.trouble == "logged out" or any(fault.method for fault in recipe.faults)
    return type(error) is OSError and recipe.trouble == "full" and error.errno == errno.EFBIG
