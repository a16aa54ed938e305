"""Somebody else's text, short, and without what a terminal or an XML parser would obey."""

from __future__ import annotations

#: As many characters as the core keeps of what a server said.
_LONGEST = 200
#: Of a whole message: what a person reads of one.
LONGEST_MESSAGE = 500
_CUT = " ... "


def escaped(text: str, longest: int = _LONGEST) -> str:
    """For people: control characters are shown as Python writes them."""
    shown = (
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text[:longest]
    )
    return "".join(shown) + ("..." if len(text) > longest else "")


def message(text: str) -> str:
    """A message in one line. A long one is cut in the middle: its end says what to do."""
    if len(text) <= LONGEST_MESSAGE and text.isprintable():
        return text
    half = LONGEST_MESSAGE // 2
    if len(text) > 4 * LONGEST_MESSAGE:  # what is escaped gets longer, never shorter
        text = text[: 2 * LONGEST_MESSAGE] + text[-2 * LONGEST_MESSAGE :]
    shown = escaped(text, len(text))
    if len(shown) <= LONGEST_MESSAGE:
        return shown
    return f"{shown[:half]}{_CUT}{shown[half + len(_CUT) - LONGEST_MESSAGE :]}"


def replaced(text: str) -> str:
    """For a sentence or an envelope: one mark stands for each control character."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text[:_LONGEST])


def reason_of(cause: BaseException) -> str:
    """What the server's task shows of an error: the class and the first line of the message."""
    name = type(cause).__name__
    try:
        message = getattr(cause, "msg", None)
        lines = (message if isinstance(message, str) else str(cause)).split("\n")
    except Exception:  # somebody's __str__; it must not take the place of the cause
        lines = []
    first = next((line.strip() for line in lines if line.strip()), "")
    text = f"{name}: {first}"[:300] if first else name
    return text.encode("utf-8", "backslashreplace").decode()
