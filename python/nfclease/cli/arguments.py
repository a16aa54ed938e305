"""Options that several commands share, and the types of their values."""

from __future__ import annotations

import argparse
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["add_connection", "add_moving", "add_output", "add_place", "moving", "pair"]

#: Bytes of a unit, as ``tables`` prints them.
_UNITS = {
    **{"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9},
    **{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30},
}


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


def add_moving(add: Callable[..., object]) -> None:
    """How much is moved at once: the keywords of a lease."""
    add("--max-concurrency", metavar="N", type=_count, help="files that are moved at once")
    add(
        "--limit-rate",
        metavar="RATE",
        dest="max_bytes_per_second",
        type=_rate,
        help="bytes per second of all files, such as 20MB",
    )


def add_place(add: Callable[..., object], prefix: str = "GOVC_") -> None:
    """Where an import, or the target of a copy, goes.

    Args:
        add: Of a parser or a group.
        prefix: What the variables begin with.
    """
    add("--pool", metavar="POOL", help=f"resource pool or vApp [{prefix}RESOURCE_POOL]")
    add("--datastore", metavar="STORE", help=f"for its files [{prefix}DATASTORE]")
    add("--folder", metavar="FOLDER", help=f"where it is listed [{prefix}FOLDER]")
    add("--host", metavar="HOST", help=f"to run on [{prefix}HOST]")
    add(
        "--network",
        metavar="A=B",
        type=_network,
        action="append",
        help=f"A becomes B; B: all [{prefix}NETWORK]",
    )


def _network(text: str) -> tuple[str, str]:
    """``A=B``, or ``B`` for every network that is not named."""
    network = ("*", text) if "=" not in text else pair(text)
    if not network[1]:
        raise argparse.ArgumentTypeError(f"{text!r} names no network of the server")
    return network


def moving(args: argparse.Namespace) -> dict[str, Any]:
    """What of that was given, as keywords."""
    names = ("max_concurrency", "max_bytes_per_second")
    return {name: value for name in names if (value := getattr(args, name)) is not None}


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


def _count(text: str) -> int:
    """How many files are moved at once."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of files")
    return _in_range("max_concurrency", int(text))


def _rate(text: str) -> int:
    """Bytes per second, with a unit as the sizes that are printed have."""
    found = re.fullmatch(r"(\d{1,15})(?:\.(\d{1,3}))? ?([kMG]B|[KMG]iB|B?)", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of bytes, such as 20000000, 20MB or 16MiB"
        )
    whole, part, unit = found[1], found[2] or "", found[3]
    factor = _UNITS[unit]
    count = int(whole) * factor + int(part or 0) * factor // 10 ** len(part)
    return _in_range("max_bytes_per_second", count)


def _in_range(name: str, number: int) -> int:
    """The number, where a lease takes it for this option."""
    from nfclease import _core  # of a command that is given one

    try:
        _core.check_number(name, number)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).partition(f"{name} ")[2]) from None
    return number
