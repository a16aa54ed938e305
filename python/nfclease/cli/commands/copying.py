"""``nfclease copy``."""

from __future__ import annotations

from nfclease.cli.arguments import add_connection, add_moving, add_output, add_place, moving
from nfclease.cli.second import PREFIX, add_second

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from nfclease.cli.console import Console
    from nfclease.cli.place import Place

HELP = "copy a VM to another vCenter or host, verified at both ends"
EPILOG = """\
example:
  nfclease copy demo-vm --pool Cluster/Resources --name demo-vm-there"""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add = parser.add_argument
    add("vm", metavar="VM", help="a VM or vApp: inventory path, name or moId")
    add("--snapshot", action="store_true", help="of a running VM: take one, copy it, remove it")
    add("--datacenter", metavar="NAME", help="where VM is looked for [GOVC_DATACENTER]")
    add_second(parser)
    add_place(add, PREFIX)
    add("--name", metavar="NAME", help="what the copy is called; else as the VM")
    add("--disk-provisioning", metavar="KIND", help="thin, thick, eagerZeroedThick, ...")
    add("--power-on", action="store_true", help="switch the copy on at the end")
    add_moving(add)
    add("--dry-run", action="store_true", help="say what would be done, and do nothing")
    add_output(parser)
    add_connection(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Copies it."""
    from contextlib import ExitStack

    from nfclease.cli.place import machine_of, place_of
    from nfclease.cli.second import environment, named, second_of
    from nfclease.cli.session import Login, opened, patient

    other, environ = second_of(args), environment()
    login = Login(args, console)
    with named():
        there = Login(other, console, environ)
    with ExitStack() as stack:
        stack.enter_context(patient())
        here = stack.enter_context(opened(login))
        vm = machine_of(here, args)
        with named():
            target = stack.enter_context(opened(there))
            place = place_of(target, other, console, environ)
        if args.dry_run:
            from nfclease.cli.dry_copy import say

            return say(here, vm, target, place, args, console)
        row, text = _copied(vm, place, args, console)
    console.done(row, text)
    return 0


def _copied(
    vm: Any, place: Place, args: argparse.Namespace, console: Console
) -> tuple[dict[str, Any], str]:
    from nfclease import copy_vm
    from nfclease.cli import moved
    from nfclease.inventory import path_of

    result = copy_vm(
        vm,
        place.pool,
        snapshot=args.snapshot or None,
        datastore=place.datastore,
        folder=place.folder,
        host=place.host,
        name=args.name,
        networks=place.networks,
        disk_provisioning=args.disk_provisioning,
        power_on=args.power_on,
        progress=console.progress,
        **moving(args),
    )
    for text in result.warnings:
        console.warn(text)
    for each in result.files:
        moved.show_file(console, each)
    return moved.copy_summary(result, path_of(result.entity), is_on=args.power_on)
