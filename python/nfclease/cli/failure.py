"""What is said of a failure, in one to three lines, and its exit code."""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

FAILED, USAGE, NOT_VERIFIED = 1, 2, 3

#: Lines that are shown of an error, and characters of each.
_LINES, _LONGEST = 4, 1000

#: By the name of a fault of the server: what to do.
_ADVICE = {
    "vim.fault.NotAuthenticated": "the session has ended meanwhile; run the command again",
    "vim.fault.DuplicateName": "there is something of that name; give another one by --name",
    "vim.fault.RestrictedVersion": "its licence does not allow that",
    "vmodl.fault.ManagedObjectNotFound": "it was deleted meanwhile; run the command again",
}


class UsageError(Exception):
    """What the user gave cannot be done; the text says what to give."""


class LoginError(Exception):
    """User or password are wrong."""


def report(error: BaseException, args: argparse.Namespace | None) -> int:
    """Prints it to standard error and returns the exit code."""
    lines = lines_of(error)
    if sys.stderr is not None:
        try:
            if getattr(args, "debug", False):
                import traceback

                traceback.print_exception(type(error), error, error.__traceback__)
            print("\n".join([f"nfclease: {lines[0]}", *lines[1:]]), file=sys.stderr, flush=True)
        except (OSError, ValueError):  # nobody reads it
            pass
    return code_of(error)


def code_of(error: BaseException) -> int:
    """The exit code for an error."""
    if isinstance(error, KeyboardInterrupt):
        return 128 + int(getattr(error, "number", 2))
    if isinstance(error, UsageError):
        return USAGE
    from nfclease.exceptions import IntegrityError

    return NOT_VERIFIED if isinstance(error, IntegrityError) else FAILED


def lines_of(error: BaseException) -> list[str]:
    """What failed, where, and what to do; one to three lines as a rule."""
    if isinstance(error, KeyboardInterrupt):
        return [f"ended by {str(error) or 'Ctrl-C'}"]
    from nfclease.cli.wording import in_options

    texts = [_text(error), *getattr(error, "__notes__", [])]
    texts = [in_options(str(text)) for text in texts]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    return [_printable(line) for line in lines[:_LINES]] or [type(error).__name__]


def _text(error: BaseException) -> str:
    from nfclease.exceptions import NfcError, NotFoundError

    if isinstance(error, NotFoundError) and not error.candidates:
        return f"{error}\nnfclease ls lists what there is: VMs, or --type pool, network, ..."
    if isinstance(error, (NfcError, UsageError, LoginError)):
        return str(error)
    kind = type(error).__name__
    if kind.startswith(("vim.", "vmodl.")):
        return _fault(error, kind)
    if isinstance(error, FileExistsError) and error.strerror == os.strerror(errno.EEXIST):
        return f"{error.filename}: it is there already; --overwrite replaces it"
    if _is_of_a_call(error):
        reason = str(error) or kind
        return f"a call to the server failed: {reason}\nlook whether it is up, and try again"
    if isinstance(error, OSError):
        return _local(error)
    if isinstance(error, (ValueError, TypeError, ImportError)) and str(error):
        return str(error)  # of an argument, in the words of the API
    if isinstance(error, MemoryError):
        return "not enough memory"
    return f"{kind}: {error}\n--debug shows where"


def _fault(error: BaseException, kind: str) -> str:
    """A fault of the server; its class is pyvmomi's, made when it is first named."""
    message = str(getattr(error, "msg", None) or "").strip().split("\n")[0]
    name = kind.rpartition(".")[2]
    text = f"the server refused: {message} ({name})" if message else f"the server refused: {name}"
    if kind == "vim.fault.NoPermission":
        entity, privilege = getattr(error, "object", None), getattr(error, "privilegeId", None)
        place = getattr(entity, "_moId", None) or "the object"
        needed = f"the privilege {privilege}" if privilege else "more privileges"
        return f"{text}\nthe account needs {needed} on {place}"
    return f"{text}\n{_ADVICE[kind]}" if kind in _ADVICE else text


def _is_of_a_call(error: BaseException) -> bool:
    """Whether pyvmomi could not send a call, or not read its answer."""
    from http.client import HTTPException
    from xml.parsers.expat import ExpatError

    if isinstance(error, (HTTPException, ExpatError)):
        return True
    return isinstance(error, (ConnectionError, TimeoutError)) and error.filename is None


def _local(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason


def _printable(line: str) -> str:
    from nfclease.cli.wording import without_password

    text = without_password(line[:_LONGEST])
    shown = (char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return "".join(shown) + ("..." if len(line) > _LONGEST else "")
