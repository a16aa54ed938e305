"""The command line."""

from __future__ import annotations

import argparse

from nfclease.simulator.options import Options, parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

DESCRIPTION = """\
A vSphere that leases. Prints one line of JSON when it is ready: where it is, the password, the
certificates, and the URL and token of its control plane. Serves until standard input ends or a
SIGTERM or SIGINT comes. Only on loopback addresses unless told otherwise; it keeps nothing.
"""


def parser() -> argparse.ArgumentParser:
    """The options and their help."""
    made = argparse.ArgumentParser(prog="python -m nfclease.simulator", description=DESCRIPTION)
    add_options(made)
    return made


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options, for whichever command runs a simulator."""
    default = Options()
    _add_access(parser, default)
    _add_inventory(parser, default)
    _add_manners(parser, default)
    add = parser.add_argument
    add("--seed", type=int, metavar="N", help="makes ids and contents the same in each run")
    add("--no-stdin", dest="watch_stdin", action="store_false", help="do not watch standard input")


def _add_access(parser: argparse.ArgumentParser, default: Options) -> None:
    """Where it is, and who may log in."""
    add = parser.add_argument
    add(
        "--host",
        default=default.host,
        metavar="ADDRESS",
        help="of the vCenter listener (%(default)s)",
    )
    add(
        "--port",
        type=int,
        default=0,
        metavar="PORT",
        help="its port; 0 for a free one, as when left out",
    )
    add("--disk-host", metavar="ADDRESS", help="of the host's (127.0.0.2, else that of --host)")
    add("--no-tls", dest="tls", action="store_false", help="plain http on both listeners")
    add("--user", metavar="NAME", default=default.user, help="for Login (%(default)s)")
    add("--password", metavar="TEXT", help="for Login; a random one if left out")


def _add_inventory(parser: argparse.ArgumentParser, default: Options) -> None:
    """What it has, and how its leases are."""
    add = parser.add_argument
    add(
        "--disk-size",
        type=parse_size,
        default=default.disk_size,
        metavar="BYTES",
        help="of each disk's stream; takes k, m, g, t (%(default)s)",
    )
    add(
        "--disks",
        type=int,
        default=default.disks,
        metavar="N",
        help="disks of demo-vm (%(default)s)",
    )
    add(
        "--lease-timeout",
        type=float,
        default=default.lease_timeout,
        metavar="S",
        help="seconds to the end without Progress (%(default)s)",
    )
    add(
        "--initializing",
        type=float,
        default=default.initializing,
        metavar="S",
        help="seconds until a lease is ready (%(default)s)",
    )
    add("--stable-streams", action="store_true", help="every GET of a disk has the same bytes")


def _add_manners(parser: argparse.ArgumentParser, default: Options) -> None:
    """As which vSphere it behaves."""
    add = parser.add_argument
    add(
        "--esx",
        action="store_true",
        help="a single host: deviceUrls name *, one listener serves",
    )
    add(
        "--api-version",
        default=default.api_version,
        metavar="VERSION",
        help="newest API on offer, such as 6.7 (%(default)s)",
    )
    add(
        "--client-ca",
        metavar="FILE",
        help="CA of the client certificates that are demanded",
    )
    add(
        "--upload-status",
        type=int,
        choices=(200, 201, 204),
        metavar="CODE",
        help="answer to an upload (200 to a POST, 201 to a PUT)",
    )
    add("--chunked-uploads", action="store_true", help="take uploads that are sent chunked")
    add(
        "--octet-stream",
        action="store_true",
        help="take disks sent as application/octet-stream",
    )


def run(args: argparse.Namespace) -> None:
    """Runs a simulator until it is told to end.

    Raises:
        ModuleNotFoundError: What it needs is not installed.
        OSError: An address is in use.
        OverflowError: A port is too large.
        ValueError: An option is malformed.
    """
    import asyncio

    from nfclease.simulator.server.app import serve

    given = {name: getattr(args, name) for name in Options.names() if hasattr(args, name)}
    asyncio.run(serve(Options(**given)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a simulator; returns the exit status."""
    made = parser()
    try:
        run(made.parse_args(arguments))
    except ModuleNotFoundError as error:
        made.error(missing(error))
    except (OSError, OverflowError, ValueError) as error:  # an address in use, a malformed port
        made.error(str(error))
    return 0


def missing(error: ModuleNotFoundError) -> str:
    """What to do about it."""
    return f"{error.name} is not installed: pip install 'nfclease[simulator]'"
