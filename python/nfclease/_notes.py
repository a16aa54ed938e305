"""Notes at an error: advice, and what became of the lease and the files."""

from __future__ import annotations

from nfclease._text import escaped, message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def add_note(error: BaseException, text: str) -> None:
    """As ``add_note``, which Python 3.10 lacks and pyvmomi's faults refuse; tracebacks show it."""
    notes = [*getattr(error, "__notes__", ()), message(text)]
    object.__setattr__(error, "__notes__", notes)


def note_ending(error: Any, outcome: str, lease: str) -> None:
    """Says of an error what a person may have to do something about; nothing where all is well."""
    if getattr(error, "attempts", 0) > 1:
        moved = f", the last one after {error.bytes_done} bytes" if error.bytes_done else ""
        add_note(error, f"{error.attempts} attempts were made{moved}")
    if outcome == "abort_failed":
        add_note(
            error,
            f"the lease {lease} could not be aborted: the server holds it, "
            "and its VM, until its leaseTimeout has passed",
        )
    note_files(error, getattr(error, "files_left", ()))


def say_left_over(error: Any, vm: str) -> None:
    """Says of the error of an import that what it made may be there, where nobody knows better.

    A lease that the server ends by itself, as ``Timedout`` tells, takes along what it made. One
    that a vCenter forgot, because it was started again, may not.
    """
    if getattr(error, "fault_name", "") == "Timedout" or len(error.args) != 1:
        return
    text = f"{error.args[0]}; the import may have left {escaped(vm)} behind: look for it first"
    error.args = (message(text),)


def note_files(error: BaseException, files: Iterable[str]) -> None:
    """Says what could not be removed: files, or a device that was written to."""
    if names := ", ".join(escaped(file, 150) for file in files):
        add_note(error, f"left behind, incomplete: {names}")
