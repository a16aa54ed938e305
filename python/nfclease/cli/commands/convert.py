"""``nfclease convert``."""

from __future__ import annotations

from nfclease.cli.arguments import add_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console

HELP = "make a raw image, a qcow2 image or a VMDK of a disk"
EPILOG = """\
The disk is read once. A VMDK is checked to the grain. IMAGE gets its name when
all of it was right; a raw image is sparse where the file system can.
"transplant" moves compressed data as they are, which is quick: QEMU reads
that, some other readers do not, and --grains alone decompresses as a check.
DISK is a streamOptimized VMDK, a qcow2 image or a raw disk. A raw disk is
called .raw or .img, or --source-format says what it is.
Ends with 3 where the disk is damaged.

examples:
  nfclease convert running-vm/disk-0.vmdk disk-0.raw
  nfclease convert --qcow2-compression deflate running-vm/disk-0.vmdk 0.qcow2
  nfclease convert disk-0.raw new.vmdk
  nfclease convert disk-0.raw new.qcow2
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument(
        "disk", metavar="DISK", help="a streamOptimized .vmdk, a qcow2 image or a raw disk"
    )
    parser.add_argument("image", metavar="IMAGE", help="the new file")
    for option, text in (
        ("--to", "raw, qcow2 or vmdk; else the suffix of IMAGE says it"),
        ("--source-format", "of DISK, else its first bytes say it"),
    ):
        parser.add_argument(option, choices=("raw", "qcow2", "vmdk"), metavar="FORMAT", help=text)
    parser.add_argument(
        "--qcow2-compression",
        choices=("none", "deflate", "transplant"),
        metavar="HOW",
        help="none (the default), deflate or transplant",
    )
    parser.add_argument(
        "--vmdk-compression",
        choices=("libdeflate", "zlib"),
        default="libdeflate",
        metavar="HOW",
        help="libdeflate (the default), or zlib for VMware's own bytes",
    )
    parser.add_argument(
        "--grains", action="store_true", help="have a transplant check each grain as well"
    )
    parser.add_argument(
        "--block-device", action="store_true", help="IMAGE is a block device, to be overwritten"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="1 to 64, else one per core")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    add_output(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Makes it."""
    import time

    from nfclease import image
    from nfclease.cli.described import plain
    from nfclease.cli.tables import capacity

    begun = time.monotonic()
    made = image.convert(
        args.disk,
        args.image,
        to=args.to,
        source_format=args.source_format,
        qcow2_compression=args.qcow2_compression,
        vmdk_compression=args.vmdk_compression,
        grains=args.grains,
        block_device=args.block_device,
        overwrite=args.overwrite,
        threads=args.threads,
        progress=console.progress,
    )
    sizes = f"{capacity(made.capacity)}, {capacity(made.populated)} in use"
    text = f"{plain(made.path)}: {made.format}, {sizes}"
    console.made("convert", made, time.monotonic() - begun, text)
    return 0
