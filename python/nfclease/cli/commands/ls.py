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
    """One line for each."""
    from nfclease.cli.session import session
    from nfclease.inventory import list_vms

    with session(args, console) as service_instance:
        for vm in list_vms(service_instance):
            console.row({"path": vm.path}, vm.path)
    return 0
