"""``nfclease normalise``."""

from __future__ import annotations

from nfclease.cli.arguments import add_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console

HELP = "give disks that another tool wrote VMware's layout"
EPILOG = """\
qemu-img and open-vmdk write streamOptimized disks that ESXi, ovftool and 7-Zip
may refuse. The data of their grains is moved as it is, so that this costs
little more than a copy. In a package, sizes and sums are made anew.
Ends with 3 where a disk is damaged, or a file is not the one that is listed.

examples:
  nfclease normalise running-vm/disk-0.vmdk disk-0.vmdk
  nfclease normalise demo-vm.ova normal.ova
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("source", metavar="IN", help="a .vmdk, .ova, .ovf or directory")
    parser.add_argument("target", metavar="OUT", help="the new .vmdk, .ova or directory")
    parser.add_argument("--grains", action="store_true", help="check each disk to the grain, too")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    add_output(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Writes it."""
    import time

    from nfclease import image
    from nfclease.cli.described import plain
    from nfclease.cli.tables import size

    begun = time.monotonic()
    made = image.normalise(
        args.source,
        args.target,
        grains=args.grains,
        overwrite=args.overwrite,
        progress=console.progress,
    )
    seconds = time.monotonic() - begun
    for note in made.notes:
        console.line(f"note: {note}")
    disks = [file for file in made.files if file.disk]
    sizes = f"{size(sum(file.old_size for file in disks))} as {size(sum(f.size for f in disks))}"
    count = "1 disk" if len(disks) == 1 else f"{len(disks)} disks"
    console.made("normalise", made, seconds, f"{plain(made.path)}: {count}, {sizes}")
    return 0
