"""``nfclease import``."""

from __future__ import annotations

from nfclease.cli.arguments import add_connection, add_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console

HELP = "import an OVF package or an .ova as a new VM or vApp, verified"
EPILOG = "example:\n  nfclease import demo-vm.ova --pool /DC0/host/Cluster/Resources --name copy"


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("source", metavar="SOURCE", help=".ova, .ovf, directory or https URL")
    parser.add_argument("--pool", metavar="POOL", required=True, help="resource pool or vApp")
    parser.add_argument("--name", metavar="NAME", help="of the new VM")
    add_output(parser)
    add_connection(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Imports it."""
    from nfclease import import_vapp
    from nfclease.cli.session import session

    with session(args, console) as service_instance:
        pool = service_instance.content.searchIndex.FindByInventoryPath(args.pool)
        result = import_vapp(args.source, pool, name=args.name, progress=console.progress)
    console.done({"name": result.name}, f"{result.name}: {len(result.files)} files")
    return 0
