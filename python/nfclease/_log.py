"""The loggers of the package, made when they are first needed: ``logging`` is a third of an import.

Every record of ours comes from one of them, or from the core: so each has all attributes.
"""

from __future__ import annotations

import functools

from nfclease._text import message

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging


@functools.cache
def logger() -> logging.Logger:
    """Ours; without a handler of the script its records go nowhere. Made before any record."""
    import logging

    found = logging.getLogger("nfclease")
    found.addHandler(logging.NullHandler())
    found.addFilter(_complete)
    return found


@functools.cache
def calls() -> logging.Logger:
    """Calls to the core and how they went; off unless a script sets its level."""
    import logging

    found = logging.getLogger("nfclease.calls")
    if found.level == logging.NOTSET:
        found.setLevel(logging.WARNING)
    found.addFilter(_complete)
    return found


def extra(lease: str = "", vm: str = "", file: str = "", host: str = "") -> dict[str, str]:
    """Which lease, VM, file and host: for a record of Python's own, as the core's records have."""
    return {
        "nfclease_lease": lease,
        "nfclease_vm": vm,
        "nfclease_file": file,
        "nfclease_host": host,
    }


def _complete(record: logging.LogRecord) -> bool:
    """Gives a record the attributes that it lacks: a format that names them fails on none.

    Its text becomes one printable line: names of VMs and texts of servers are in it.
    """
    for name, empty in extra().items():
        record.__dict__[name] = message(str(record.__dict__.get(name, empty)))
    said = record.getMessage()
    line = message(said)
    if line != said:
        record.msg, record.args = line, None
    return True
