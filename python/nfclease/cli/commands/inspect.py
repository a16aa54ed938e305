"""``nfclease inspect``."""

from __future__ import annotations

from nfclease.cli.arguments import add_output
from nfclease.cli.packages import KINDS, add_web, shown, source_of, web

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from nfclease import PackageInfo
    from nfclease.cli.console import Console

HELP = "say what is in a package, or in a disk by itself"
EPILOG = """\
Of a package the descriptor and the headers are read, of a URL a few KB: VMs,
disks, networks, properties. Of a .vmdk its header, tables and text are, and a
picture shows which parts of the disk are stored. Nothing is verified; nfclease
verify does that.

example:
  nfclease inspect https://example.com/appliance.ova
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("package", metavar="PACKAGE", help=f"{KINDS}; or a .vmdk")
    parser.add_argument(
        "--all", action="store_true", help="descriptions and hidden properties, too"
    )
    parser.add_argument("--eula", action="store_true", help="the licences, and nothing else")
    add_web(parser)
    add_output(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Reads its descriptor and headers."""
    from nfclease import inspect
    from nfclease.cli.described import described, licences
    from nfclease.cli.described_disk import disk_lines
    from nfclease.cli.tables import terminal_width

    info = inspect(source_of(args.package, args), **web(args))
    name, width = shown(args.package), terminal_width()
    if console.json:
        console.row(_row(name, info), "")
        return 0
    if info.image is not None:
        lines = disk_lines(info.image, name, width)
    elif args.eula:
        lines = licences(info, width)
    else:
        lines = described(info, name, width, everything=args.all)
    for line in lines:
        console.row({}, line)
    return 0


def _row(name: str, info: PackageInfo) -> dict[str, Any]:
    """All of it by the names of the API; the default of a password is left out."""
    from dataclasses import asdict

    if info.image is not None:
        disk = info.image
        return {"type": "disk", "disk": name, **asdict(disk), "populated": disk.populated}
    row = {"type": "package", "package": name, **asdict(info)}
    for one in row["properties"]:
        one["default"] = None if one["password"] else one["default"]
    return row
