"""Whether what a person reads after a case is short and plain: errors, their chain, log records."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from nfclease import NfcError

from . import invariants

#: What a server may put into any text: a line of its own, colours, and letters turned around.
HOSTILE = "oops\n2026-01-01 CRITICAL nfclease: forged\x85\x1b[31m\u202egnp.exe\u2028\u2066\u200b"
_FORGED = "\n2026-01-01 CRITICAL"
#: The same in the size of a page.
LONG = HOSTILE * 400
#: Loggers whose records are ours.
_OURS = "nfclease"


def of_error(error: BaseException) -> list[str]:
    """I8: each message of an error and its chain, with its notes and attributes, is readable."""
    found = []
    for each in _chain(error):
        if isinstance(each, NfcError):
            found += _lines([str(each)])
        elif not isinstance(each, OSError):
            continue  # a script's own, or a fault as pyvmomi made it
        found += _lines(getattr(each, "__notes__", ()))
        found += invariants.readable([repr(each)], longest=1100)
        found += _lines(
            _texts(
                value for name, value in vars(each).items() if name[0] != "_" and name != "fault"
            )
        )
        found += invariants.readable([str(getattr(each, "fault", ""))], longest=30_000)
    return found


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if any(each is one for one in seen):
            continue
        seen.append(each)
        yield each
        waiting += [one for one in (each.__cause__, each.__context__) if one is not None]


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _texts(value)


def _lines(texts: Iterable[str]) -> list[str]:
    """The same as ``readable``, and one line each."""
    texts = list(texts)
    odd = [f"I8: more than a line: {text[:100]!r}" for text in texts if "\n" in text]
    return [*odd, *invariants.readable(texts)]


class Log(logging.Handler):
    """Keeps all that is logged, and what of our own records nobody should read.

    Attributes:
        texts: Every record, its traceback included.
        violations: What is wrong with those of nfclease.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []
        self.violations: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self.texts.append(text)
        if record.name.partition(".")[0] != _OURS:
            return
        fields = [value for name, value in vars(record).items() if name.startswith("nfclease_")]
        self.violations += _lines([record.getMessage(), *_texts(fields)])
        self.violations += invariants.readable([text], longest=30_000)


@contextmanager
def all_logged() -> Iterator[Log]:
    """All that is logged in the block, of every level."""
    log = Log()
    loggers = [logging.getLogger(), logging.getLogger(f"{_OURS}.calls")]
    levels = [each.level for each in loggers]
    loggers[0].addHandler(log)
    for each in loggers:
        each.setLevel(logging.DEBUG)
    try:
        yield log
    finally:
        loggers[0].removeHandler(log)
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)


def printed(texts: Iterable[str]) -> list[str]:
    """I8: what a program printed moves no cursor, and no line of it is a stranger's."""
    texts = list(texts)
    forged = [f"I8: forged: {text[-300:]!r}" for text in texts if _FORGED in text]
    return [*forged, *invariants.readable(texts, longest=1 << 30)]
