"""``nfclease inspect``."""

from __future__ import annotations

from nfclease.cli.arguments import add_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console

HELP = "say what is in a package: VMs, disks, networks, properties"
EPILOG = "example:\n  nfclease inspect https://example.com/appliance.ova"


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("package", metavar="PACKAGE", help=".ova, .ovf, directory or https URL")
    add_output(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Reads its descriptor and headers."""
    from nfclease import inspect

    info = inspect(args.package)
    for system in info.systems:
        console.row({"system": system.name}, system.name)
    return 0
