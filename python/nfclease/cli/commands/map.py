"""``nfclease map``."""

from __future__ import annotations

from nfclease.cli.arguments import add_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console
    from nfclease.image import DiskExtent

HELP = "say which parts of a disk are stored"
EPILOG = """\
The tables of the disk are read, and none of its data. --output json prints the
array that qemu-img map --output=json prints of the same file.
Ends with 3 where a table is damaged.

examples:
  nfclease map running-vm/disk-0.vmdk
  nfclease map demo-vm.ova --member disk-1.vmdk --output json
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("disk", metavar="DISK", help="a streamOptimized .vmdk, or a package of it")
    parser.add_argument("--member", metavar="NAME", help="the disk's file in a package")
    parser.add_argument(
        "--output", choices=("human", "json"), default="human", help="human (default), or json"
    )
    add_output(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Reads the tables."""
    from dataclasses import asdict

    from nfclease import image

    extents = image.map(args.disk, member=args.member)
    if console.json:
        for extent in extents:
            console.row({"type": "extent", **asdict(extent)}, "")
    elif args.output == "json":
        before = "["
        for extent in extents:
            console.row({}, before + _as_qemu(extent))
            before = ","
        console.row({}, "[]" if before == "[" else "]")
    else:
        console.row({}, f"{'OFFSET':>16}  {'LENGTH':>16}  STORED")
        for extent in extents:
            stored = f"at {extent.offset:#x}" if extent.data else "as zeros"
            text = stored if extent.present else "no"
            console.row({}, f"{extent.start:#16x}  {extent.length:#16x}  {text}")
    return 0


def _as_qemu(extent: DiskExtent) -> str:
    """The object of one extent; QEMU tells offsets of what is not compressed alone."""
    import json

    return json.dumps(
        {
            "start": extent.start,
            "length": extent.length,
            "depth": 0,
            "present": extent.present,
            "zero": extent.zero,
            "data": extent.data,
            "compressed": extent.compressed,
        }
    )
