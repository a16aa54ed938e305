"""The password where neither an option nor a variable has it: the keyring, then a prompt."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import replace

from nfclease.cli.failure import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console
    from nfclease.cli.environment import Settings


def with_password(where: Settings, args: argparse.Namespace, console: Console) -> Settings:
    """The settings with a user and a password, and warnings about how it is kept.

    Raises:
        UsageError: None is given, and nobody can be asked.
    """
    if not where.username:
        raise UsageError("no user name: give --username or set GOVC_USERNAME")
    if where.password_shown:
        console.warn("the password in --url can be seen by others, in the list of processes")
    if args.password_file and _is_open(args.password_file):
        console.warn(f"{args.password_file} can be read by others: chmod 600 it")
    if where.password is not None:
        return where
    kept = _from_keyring(where, console)
    if kept:
        return replace(where, password=kept, password_from="the keyring")
    if not _on_terminal():
        raise UsageError(
            f"no password for {where.username}: set GOVC_PASSWORD, or give --password-file"
        )
    import getpass

    try:
        asked = getpass.getpass(f"password of {where.username} at {where.address}: ")
    except EOFError:
        raise UsageError("no password was given") from None
    return replace(where, password=asked, password_from="the prompt")


def _is_open(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(mode) and bool(mode & 0o077) and os.name == "posix"


def _from_keyring(where: Settings, console: Console) -> str | None:
    """What ``keyring set HOST USER`` has kept, where the library is installed."""
    try:
        import keyring
    except ImportError:
        return None
    try:
        found: str | None = keyring.get_password(where.host, where.username)
    except Exception as error:  # of its many backends; a locked or missing one ends nothing
        console.decision(f"the keyring cannot be asked: {type(error).__name__}")
        return None
    return found


def _on_terminal() -> bool:
    """Whether somebody may be there who can answer."""
    return any(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
