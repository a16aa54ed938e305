"""The faults that ``OvfManager`` lists in a result: raised, or told as warnings."""

from __future__ import annotations

from nfclease._text import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

#: What every fault has, and says nothing of what is wrong.
_OF_EVERY = {"dynamicType", "dynamicProperty", "msg", "faultCause", "faultMessage"}


def raise_first(faults: Sequence[Any], what: str) -> NoReturn:
    """Raises the first of these, with a message that has all of them, and what was asked."""
    first = faults[0]
    first.msg = f"{what}: {'; '.join(map(text_of, faults))}"
    raise first


def text_of(fault: Any) -> str:
    """One line: its class, its message, and what its own fields say."""
    name = type(fault).__name__.rpartition(".")[2]
    message = (getattr(fault, "msg", None) or "").strip().split("\n")[0]
    fields = [
        f"{each.name} {getattr(fault, each.name)}"
        for each in fault._GetPropertyList()
        if each.name not in _OF_EVERY and isinstance(getattr(fault, each.name, None), (str, int))
    ]
    said = ", ".join([message] * bool(message) + [each for each in fields if each.split()[1:]])
    return escaped(f"{name}: {said}" if said else name)
