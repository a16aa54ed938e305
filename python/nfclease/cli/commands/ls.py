"""``nfclease ls``."""

from __future__ import annotations

import os

from nfclease.cli.arguments import add_connection, add_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any

    from nfclease.cli.console import Console
    from nfclease.inventory import Entry

HELP = "list VMs, or pools, datastores, networks and so on"
EPILOG = """\
PATTERN is of names ('web-*'), or with a slash of paths: '/DC0/vm/team/*',
'team/' for all below, '...' for any number of folders. --quiet: paths alone.

example:
  nfclease ls 'demo-*'
"""

#: What can be listed, and pyVmomi's name of it.
KINDS = {
    "vm": "VirtualMachine",
    "vapp": "VirtualApp",
    "pool": "ResourcePool",
    "cluster": "ComputeResource",
    "host": "HostSystem",
    "datastore": "Datastore",
    "network": "Network",
    "folder": "Folder",
    "datacenter": "Datacenter",
}


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("pattern", metavar="PATTERN", nargs="?", help="all if it is left out")
    parser.add_argument(
        "--type",
        choices=list(KINDS),
        default="vm",
        metavar="KIND",
        help="what to list: vm, vapp, pool, cluster, host, datastore, network, folder, datacenter",
    )
    parser.add_argument(
        "--datacenter", metavar="NAME", help="list of this one alone [GOVC_DATACENTER]"
    )
    add_output(parser)
    add_connection(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Lists them; 1 where a pattern takes none."""
    from nfclease._text import escaped
    from nfclease.cli.session import session

    with session(args, console) as service_instance:
        rows = _found(service_instance, args)
    if console.json:
        for row in rows:
            console.row(_object(row, args.type), "")
    elif console.quiet:
        for row in rows:
            console.row({}, escaped(row.path, len(row.path)))  # a line end would make two of it
    else:
        _print(rows, console)
    if not rows and args.pattern is not None:
        console.error(f"no {args.type} matches '{args.pattern}'")
        return 1
    if not rows:
        console.line(f"this user cannot see any {args.type}")
    return 0


def _found(service_instance: Any, args: argparse.Namespace) -> Sequence[Entry]:
    from pyVmomi import vim

    from nfclease.inventory import find, find_all, list_vms

    kind = getattr(vim, KINDS[args.type])
    pattern = "*" if args.pattern is None else args.pattern
    where = args.datacenter or os.environ.get("GOVC_DATACENTER") or None
    if args.type == "vm":
        rows: Sequence[Entry] = list_vms(service_instance, pattern, datacenter=where)
    else:
        rows = find_all(service_instance, pattern, kind, datacenter=where)
    if not rows and pattern and not {*"*?["} & {*pattern} and pattern[-1] != "/":
        find(service_instance, pattern, kind, datacenter=where)  # its error names near ones
    return rows


def _object(row: Entry, kind: str) -> dict[str, object]:
    shown: dict[str, object] = {"type": kind, "name": row.name, "path": row.path, "moid": row.moid}
    for name in ("power_state", "committed"):
        if hasattr(row, name):
            shown[name] = getattr(row, name)
    return shown


def _print(rows: Sequence[Entry], console: Console) -> None:
    from nfclease.cli.tables import size, table, terminal_width

    cells = [
        (
            row.moid,
            getattr(row, "power_state", "").removeprefix("powered").lower(),
            size(getattr(row, "committed", None)),
            row.path,
        )
        for row in rows
    ]
    for line in table(("moid", "power", "size", "path"), cells, terminal_width(), ("size",)):
        console.row({}, line)
