"""``nfclease simulator``: what ``python -m nfclease.simulator`` does."""

from __future__ import annotations

from nfclease.simulator.cli import add_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console

HELP = "run a vSphere that leases, to try things on"
EPILOG = """\
Prints one line of JSON when it is ready: address, password, certificates.
Serves until standard input ends or a signal comes; it keeps nothing.

example:
  nfclease simulator --disks 2 --disk-size 64m
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The simulator's own options."""
    add_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Serves until standard input ends."""
    from nfclease.cli.failure import UsageError
    from nfclease.simulator.cli import missing, run

    try:
        run(args)
    except ModuleNotFoundError as error:
        raise UsageError(missing(error)) from None
    except (OverflowError, ValueError) as error:  # a malformed version, a port that is none
        raise UsageError(str(error)) from None
    return 0
