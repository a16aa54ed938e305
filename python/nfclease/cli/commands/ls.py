"""``nfclease ls``."""

from __future__ import annotations

from nfclease.cli.arguments import add_connection, add_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console

HELP = "list VMs"
EPILOG = "example:\n  nfclease ls"


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add_output(parser)
    add_connection(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Not there yet."""
    from nfclease.cli.failure import UsageError

    raise UsageError("this command is not there yet")
