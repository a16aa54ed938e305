"""Targets with a place for the VM's name and the date."""

from __future__ import annotations

import string

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

#: What a template of an export or a copy, and that of an import, may name.
OF_EXPORTS = frozenset({"vm", "moid", "uuid", "session", "date", "time"})
OF_IMPORTS = frozenset({"source", "session", "date", "time"})
#: What no part of a file name is: hrefs have a meaning for some, file systems for others.
_REPLACED = {ord(char): "_" for char in '/\\%#?:*"<>|'}
#: Bytes of a name that every file system takes, with room for what comes behind it.
_LONGEST = 200


def check(template: str, known: frozenset[str]) -> None:
    """Refuses a template that cannot be filled in.

    Raises:
        ValueError: It names something unknown, or its braces do not match.
    """
    usage = f"a template has {', '.join(f'{{{name}}}' for name in sorted(known))}"
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"{template!r}: {error}; {usage}") from None
    for _, name, spec, conversion in parts:
        if name is not None and (name not in known or spec or conversion):
            raise ValueError(f"{template!r} has {{{name}}} in it; {usage}")


def filled(
    template: str, values: Mapping[str, str], at: datetime.datetime, *, is_path: bool = True
) -> str:
    """A template with everything filled in.

    Args:
        template: One that ``check`` took.
        values: By name, but for date and time; those of a server are hostile.
        at: When the run began.
        is_path: Whether each value is to be a part of one file name, or of the name of a VM.
    """
    made = as_name if is_path else _printable
    dated = {"date": f"{at:%Y-%m-%d}", "time": f"{at:%H%M%S}"}
    return template.format_map({name: made(text) for name, text in values.items()} | dated)


def as_name(text: str) -> str:
    """A text as a part of one file name, which is never ``.`` or ``..`` or hidden by it."""
    shown = _printable(text.translate(_REPLACED))
    shown = shown.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore")
    return shown.lstrip(".").strip() or "_"


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "_" for char in text)
