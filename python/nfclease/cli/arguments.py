"""Options that several commands share, and the types of their values."""

from __future__ import annotations

import argparse

__all__ = ["add_connection", "add_output", "count", "pair"]


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Where the vSphere is, who logs in, and by what it is trusted: all of it from GOVC_* too."""
    group = parser.add_argument_group("connection")
    add = group.add_argument
    add("-u", "--url", metavar="URL", help="vCenter or ESXi host [GOVC_URL]")
    add("--username", metavar="NAME", help="who logs in [GOVC_USERNAME]")
    add("--password-file", metavar="FILE", help="file with the password [GOVC_PASSWORD]")
    add("-k", "--insecure", action="store_true", help="verify no certificate [GOVC_INSECURE]")
    add("--tls-ca-certs", metavar="FILES", help="PEM files of CAs [GOVC_TLS_CA_CERTS]")
    add(
        "--tls-known-hosts",
        metavar="FILES",
        help="files of thumbprints [GOVC_TLS_KNOWN_HOSTS]",
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """What is printed, and how much of it."""
    group = parser.add_argument_group("output")
    add = group.add_argument
    add("--json", action="store_true", help="one JSON object a line on standard output")
    add("-q", "--quiet", action="store_true", help="no progress and no summary")
    add("-v", "--verbose", action="count", default=0, help="decisions; -vv: calls as well")
    add("--debug", action="store_true", help="show the traceback of a failure")


def pair(text: str) -> tuple[str, str]:
    """``KEY=VALUE``; the value may hold more equals signs.

    Raises:
        argparse.ArgumentTypeError: It has no equals sign, or nothing before it.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def count(text: str) -> int:
    """How many files are moved at once.

    Raises:
        argparse.ArgumentTypeError: It is not what a lease takes.
    """
    from nfclease import _core  # of a command that is given one

    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of files")
    try:
        _core.check_number("max_concurrency", int(text))
    except ValueError as error:
        wanted = str(error).partition("max_concurrency ")[2]
        raise argparse.ArgumentTypeError(wanted) from None
    return int(text)
