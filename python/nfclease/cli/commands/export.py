"""``nfclease export``."""

from __future__ import annotations

from nfclease.cli.arguments import add_connection, add_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console

HELP = "export a VM to an OVF directory or an .ova, verified"
EPILOG = "example:\n  nfclease export demo-vm -o demo-vm.ova"


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("vm", metavar="VM", help="inventory path, name or moId")
    parser.add_argument("-o", "--output", metavar="TARGET", required=True, help="DIR or FILE.ova")
    add_output(parser)
    add_connection(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Exports it."""
    from nfclease import export_vm
    from nfclease.cli.session import session

    with session(args, console) as service_instance:
        vm = service_instance.content.searchIndex.FindByInventoryPath(args.vm)
        result = export_vm(vm, args.output, progress=console.progress)
    row = {"path": result.path, "files": len(result.files), "bytes": result.bytes}
    console.done(row, f"{result.path}: {len(result.files)} files, {result.bytes} bytes")
    return 0
