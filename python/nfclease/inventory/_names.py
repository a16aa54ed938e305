"""Names and paths of entities, as people write them and as servers keep them."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ESCAPED = re.compile("%(2f|5c|25)", re.IGNORECASE)
_REFERENCE = re.compile(r"([A-Za-z]+):([\w-]+)")
#: In a pattern, any number of folders: as govc has it, and as shells have it.
_ANY_DEPTH = ("...", "**")
_NEAR = 5


def plain(name: str) -> str:
    """A name without the escapes of vSphere: ``%2f``, ``%5c`` and ``%25``."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), name) if "%" in name else name


def reference(text: str) -> tuple[str, str] | None:
    """The type and the moId of ``VirtualMachine:vm-12``."""
    found = _REFERENCE.fullmatch(text)
    return (found[1], found[2]) if found else None


def parts(path: str) -> list[str]:
    """The names in a path, without escapes; a ``.`` at its start is left out."""
    found = [plain(part) for part in path.split("/") if part]
    return found[1:] if found[:1] == ["."] else found


def is_at(text: str, path: str, anchors: Iterable[str]) -> bool:
    """Whether a path that somebody wrote, absolute or relative, is that of an entity."""
    wanted, whole = parts(text), parts(path)
    if text.startswith("/"):
        return whole == wanted
    return any(whole[len(parts(anchor)) :] == wanted for anchor in anchors)


def fits(pattern: str, name: str, path: str, anchors: Iterable[str]) -> bool:
    """Whether a pattern takes an entity: by its name, or with a slash in it by its path."""
    if "/" not in pattern:
        return _takes(plain(pattern), plain(name))
    wanted, whole = parts(pattern), parts(path)
    if pattern.endswith("/"):
        wanted.append("**")
    if pattern.startswith("/"):
        return _follows(wanted, whole)
    return any(_follows(wanted, whole[len(parts(anchor)) :]) for anchor in anchors)


def _takes(pattern: str, name: str) -> bool:
    return pattern == name or fnmatchcase(name, pattern)


def _follows(pattern: Sequence[str], names: Sequence[str]) -> bool:
    if not pattern:
        return not names
    if pattern[0] in _ANY_DEPTH:
        if len(pattern) == 1:
            return bool(names)
        return any(_follows(pattern[1:], names[skip:]) for skip in range(len(names) + 1))
    return bool(names) and _takes(pattern[0], names[0]) and _follows(pattern[1:], names[1:])


def near(text: str, names: Iterable[str]) -> list[str]:
    """The few names that somebody may have meant."""
    from difflib import get_close_matches

    wanted = parts(text)[-1:] or [text]
    lower = wanted[0].lower()
    by_lower: dict[str, str] = {plain(name).lower(): name for name in names}
    found = [lower] if lower in by_lower else []
    found += get_close_matches(lower, by_lower, n=_NEAR, cutoff=0.75)
    found += [each for each in by_lower if lower in each or (len(each) > 2 and each in lower)]
    found += get_close_matches(lower, by_lower, n=_NEAR)
    return [by_lower[each] for each in dict.fromkeys(found)][:_NEAR]
