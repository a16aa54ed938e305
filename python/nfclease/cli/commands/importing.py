"""``nfclease import``."""

from __future__ import annotations

from nfclease.cli.arguments import add_connection, add_moving, add_output, add_place, moving, pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from nfclease.cli.console import Console
    from nfclease.cli.place import Place

HELP = "import an OVF package or an .ova as a new VM or vApp, verified"
EPILOG = """\
example:
  nfclease import demo-vm.ova --name copy --network 'VM Network=Lab Network'"""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add = parser.add_argument
    add("source", metavar="SOURCE", help=".ova, .ovf, directory, https URL, or - for a pipe")
    add("--name", metavar="NAME", help="of the new VM; else the package's own")
    add("--datacenter", metavar="NAME", help="of the places below [GOVC_DATACENTER]")
    add_place(add)
    add("--property", metavar="K=V", type=pair, action="append", help="class.key.instance=value")
    add("--deployment-option", metavar="ID", help="a size that the package offers")
    add("--disk-provisioning", metavar="KIND", help="thin, thick, eagerZeroedThick, ...")
    add("--power-on", action="store_true", help="switch it on at the end")
    add("--strict", action="store_true", help="refuse a package that is odd in any way")
    add("--pull", action="store_true", help="of a URL: the host fetches the files itself")
    add("--convert", action="store_true", help="take qcow2 and raw disks, and send VMDKs of them")
    add("--ca-file", metavar="FILE", help="of a URL: PEM file of the CAs to trust")
    add("--ssl-thumbprint", metavar="AA:BB", help="of a URL: the certificate to trust")
    add_moving(add)
    add("--dry-run", action="store_true", help="say what would be done, and do nothing")
    add_output(parser)
    add_connection(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Imports it."""
    from nfclease.cli.session import session
    from nfclease.cli.source import source_of

    source = source_of(args)
    with session(args, console) as service_instance:
        from nfclease.cli.place import place_of

        place = place_of(service_instance, args, console)
        options = _options(args, place)
        if args.dry_run:
            from nfclease.cli.dry_import import say

            return say(service_instance, source, place, options, args, console)
        row, text = _imported(source, place, options, args, console)
    console.done(row, text)
    return 0


def _options(args: argparse.Namespace, place: Place) -> dict[str, Any]:
    """What ``import_vapp`` and ``plan_import`` are both told."""
    return {
        "datastore": place.datastore,
        "folder": place.folder,
        "host": place.host,
        "name": args.name,
        "networks": place.networks,
        "properties": dict(args.property or ()),
        "deployment_option": args.deployment_option,
        "disk_provisioning": args.disk_provisioning,
        "strict": args.strict,
        "pull": args.pull,
        "convert": args.convert,
        "ca_file": args.ca_file,
        "ssl_thumbprint": args.ssl_thumbprint,
    }


def _imported(
    source: Any,
    place: Place,
    options: dict[str, Any],
    args: argparse.Namespace,
    console: Console,
) -> tuple[dict[str, Any], str]:
    import time

    from nfclease import import_vapp
    from nfclease.cli import moved
    from nfclease.inventory import path_of

    started = time.monotonic()
    result = import_vapp(
        source,
        place.pool,
        power_on=args.power_on,
        progress=console.progress,
        **options,
        **moving(args),
    )
    seconds = time.monotonic() - started
    for text in result.warnings:  # the notes are in the log
        console.warn(text)
    for each in result.files:
        moved.show_file(console, each)
    return moved.import_summary(result, path_of(result.entity), seconds, is_on=args.power_on)
