"""``nfclease convert``."""

from __future__ import annotations

from nfclease.cli.arguments import add_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console

HELP = "make a raw image of a disk that was exported"
EPILOG = """\
The disk is read once and checked to the grain. IMAGE gets its name when all of
it was right; it is sparse where the file system can.
Ends with 3 where the disk is damaged.

example:
  nfclease convert running-vm/disk-0.vmdk disk-0.raw
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("disk", metavar="DISK", help="a streamOptimized .vmdk")
    parser.add_argument("image", metavar="IMAGE", help="the new file")
    parser.add_argument("--to", choices=("raw",), default="raw", help="its format: raw")
    parser.add_argument("--threads", type=int, metavar="N", help="1 to 64, else one per core")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    add_output(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Makes it."""
    import time
    from dataclasses import asdict

    from nfclease import image
    from nfclease.cli.described import plain
    from nfclease.cli.tables import capacity

    begun = time.monotonic()
    made = image.convert(
        args.disk,
        args.image,
        to=args.to,
        overwrite=args.overwrite,
        threads=args.threads,
        progress=console.progress,
    )
    seconds = time.monotonic() - begun
    row = {"type": "summary", "command": "convert", **asdict(made), "seconds": round(seconds, 3)}
    text = f"{capacity(made.capacity)}, {capacity(made.populated)} in use, in {seconds:.1f} s"
    console.done(row, f"{plain(made.path)}: {made.format}, {text}")
    return 0
