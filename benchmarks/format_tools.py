"""Who does what in the benchmark of formats, and what is aimed at."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Tool:
    """One tool at one job."""

    job: str
    name: str
    command: tuple[str, ...]
    #: Of the image; None where none is made.
    format: str | None = None

    def missing(self) -> bool:
        """Whether it cannot run here."""
        return shutil.which(self.command[0]) is None


NFCLEASE = (sys.executable, "-m", "nfclease")
QEMU_IMG = ("qemu-img", "convert", "-m", "8", "-W", "-f", "vmdk")
VERIFY, TO_RAW = "verify to the grain", "streamOptimized to raw"
TO_QCOW2, COMPRESSED, TRANSPLANT = (
    "streamOptimized to qcow2",
    "to qcow2, compressed",
    "to qcow2, transplanted",
)
TO_STREAM, NORMALISE = "raw to streamOptimized", "qemu-img's layout to VMware's"
STREAM_OPTIONS = ("-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized")


def convert(format: str, *options: str, source: str = "{disk}") -> tuple[str, ...]:
    """Our own command."""
    return (*NFCLEASE, "convert", "--quiet", "--to", format, *options, source, "{image}")


TOOLS = (
    Tool(VERIFY, "nfclease", (*NFCLEASE, "verify", "--grains", "--quiet", "{disk}")),
    Tool(VERIFY, "7zz", ("7zz", "t", "-tvmdk", "{disk}")),
    Tool(TO_RAW, "nfclease", convert("raw"), "raw"),
    Tool(TO_RAW, "qemu-img -m 8 -W", (*QEMU_IMG, "-O", "raw", "{disk}", "{image}"), "raw"),
    Tool(TO_QCOW2, "nfclease", convert("qcow2"), "qcow2"),
    Tool(TO_QCOW2, "qemu-img -m 8 -W", (*QEMU_IMG, "-O", "qcow2", "{disk}", "{image}"), "qcow2"),
    Tool(COMPRESSED, "nfclease", convert("qcow2", "--qcow2-compression", "deflate"), "qcow2"),
    Tool(
        COMPRESSED,
        "qemu-img -c -m 8 -W",
        (*QEMU_IMG, "-c", "-O", "qcow2", "{disk}", "{image}"),
        "qcow2",
    ),
    Tool(TRANSPLANT, "nfclease", convert("qcow2", "--qcow2-compression", "transplant"), "qcow2"),
    Tool(
        TRANSPLANT,
        "nfclease --grains",
        convert("qcow2", "--qcow2-compression", "transplant", "--grains"),
        "qcow2",
    ),
    Tool(TO_STREAM, "nfclease", convert("vmdk", source="{raw}"), "vmdk"),
    Tool(
        TO_STREAM,
        "nfclease, zlib",
        convert("vmdk", "--vmdk-compression", "zlib", source="{raw}"),
        "vmdk",
    ),
    Tool(
        TO_STREAM, "qemu-img", ("qemu-img", "convert", *STREAM_OPTIONS, "{raw}", "{image}"), "vmdk"
    ),
    Tool(TO_STREAM, "vmdk-convert", ("vmdk-convert", "-c", "6", "{raw}", "{image}"), "vmdk"),
    Tool(NORMALISE, "nfclease", (*NFCLEASE, "normalise", "--quiet", "{qemu}", "{image}"), "vmdk"),
)
#: A job of ours, and the most of CPU-s for each GiB of data that it is to take.
MOST = ((VERIFY, 1.6), (TRANSPLANT, 0.5), (NORMALISE, 0.5))
#: MiB that any of them is to have at most.
MOST_MIB = 64
#: A job, a tool that it is compared with, what is compared, and the ratio that is aimed at.
AIMS = (
    (TO_RAW, "qemu-img -m 8 -W", "cpu", 0.5),
    (TO_RAW, "qemu-img -m 8 -W", "wall", 0.35),
    (TO_STREAM, "qemu-img", "cpu", 0.45),
    (TO_STREAM, "qemu-img", "size", 1.03),
)
