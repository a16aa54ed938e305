"""What is said of a failure, in one to three lines, and its exit code."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

FAILED, USAGE, NOT_VERIFIED = 1, 2, 3


class UsageError(Exception):
    """What the user gave cannot be done; the text says what to give."""


def report(error: BaseException, args: argparse.Namespace | None) -> int:
    """Prints it to standard error and returns the exit code."""
    from nfclease._text import escaped

    if getattr(args, "debug", False):
        import traceback

        traceback.print_exception(error)
    text = getattr(error, "msg", None) or str(error) or type(error).__name__
    if sys.stderr is not None:
        print(f"nfclease: {escaped(text)}", file=sys.stderr)
    return code_of(error)


def code_of(error: BaseException) -> int:
    """The exit code for an error."""
    if isinstance(error, KeyboardInterrupt):
        return 128 + int(getattr(error, "number", 2))
    if isinstance(error, UsageError):
        return USAGE
    from nfclease.exceptions import IntegrityError

    return NOT_VERIFIED if isinstance(error, IntegrityError) else FAILED
