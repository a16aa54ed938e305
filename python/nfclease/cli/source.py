"""What an import reads: a path, an address, or the bytes of a pipe."""

from __future__ import annotations

import os
import re
import sys

from nfclease.cli.failure import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import Any

__all__ = ["package_of", "source_of"]

#: As the API tells an address from a path.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def source_of(args: argparse.Namespace) -> Any:
    """What ``import_vapp`` gets.

    Raises:
        UsageError: It is a terminal, or an option is for an address and this is not one.
        OSError: The file does not exist.
    """
    return package_of(args.source, args, ("pull", "ca_file", "ssl_thumbprint"))


def package_of(name: str, args: argparse.Namespace, options: Iterable[str]) -> Any:
    """What the API reads for it.

    Args:
        name: As the command line has it.
        args: All that the command line has.
        options: Those that are for an address alone.

    Raises:
        UsageError: It is a terminal, or an option is for an address and this is not one.
        OSError: The file does not exist.
    """
    if _ADDRESS.match(name):
        return name
    for option in options:
        if getattr(args, option):
            dashed = option.replace("_", "-")
            raise UsageError(f"--{dashed} is for an https URL, and {name} is a file or a pipe")
    if name != "-":
        os.stat(name)  # before anybody logs in
        return name
    if sys.stdin is None:
        raise UsageError(f"{args.command} - needs a standard input")
    if sys.stdin.isatty():
        raise UsageError(
            f"{args.command} - reads an OVA, and standard input is a terminal: pipe one in"
        )
    return standard_input()


def standard_input() -> Any:
    """Its bytes, as they come: a buffer of a pipe's would wait until it is full.

    Without a buffer of Python's: a thread that still waits in one keeps the buffer's lock, and
    Python's exit dies of that.
    """
    return open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
