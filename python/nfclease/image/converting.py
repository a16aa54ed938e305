"""A disk becomes an image of another format."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Literal

    from nfclease.image.results import ConvertedImage
    from nfclease.progress import ProgressOption

__all__ = ["convert", "convert_async"]


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    to: Literal["raw", "qcow2", "vmdk"] | None = None,
    source_format: Literal["raw", "qcow2", "vmdk"] | None = None,
    qcow2_compression: Literal["none", "deflate", "transplant"] | None = None,
    vmdk_compression: Literal["libdeflate", "zlib"] = "libdeflate",
    grains: bool = False,
    block_device: bool = False,
    overwrite: bool = False,
    threads: int | None = None,
    progress: ProgressOption = None,
) -> ConvertedImage:
    """Makes an image of another format of a disk, on all cores.

    The source is a streamOptimized VMDK, a raw disk or a qcow2 image (versions 2 and 3), and is
    read once. A streamOptimized disk is checked to the grain on the way (VMware "Virtual Disk
    Format 5.0"). The target gets its name when all of it was right and is durable; until then it is
    ``target.part``. A raw image is sparse where the file system can: 64 KiB that the source does
    not have, or that are zero, take no room. A qcow2 image has version 3 and clusters of 64 KiB
    (QEMU, docs/interop/qcow2); snapshots inside a source are not copied.

    With ``to="vmdk"`` a streamOptimized disk is made in VMware's own layout. Holes and zeros are
    left out. The disk's size is rounded up to a multiple of 64 KiB, since some readers go wrong
    without; that of a streamOptimized source stays, and its descriptor. Other images have a size
    of whole sectors of 512 bytes.

    Args:
        source: The path of a ``.vmdk`` as an export writes it, of a qcow2 image, or of a raw disk:
            a file, or a block device that nobody writes to.
        target: The path of the new file.
        to: What it becomes; None goes by the suffix of `target`: ``.raw``, ``.img``, ``.qcow2`` or
            ``.vmdk``.
        source_format: What the source is. None finds it out by its first bytes; a raw disk, which
            its guest may have given any, must be called ``.raw`` or ``.img`` then.
        qcow2_compression: Of a qcow2 image. None or ``"none"``: no compression. ``"deflate"``:
            compressed as ``qemu-img convert -c`` does, which every reader takes.
            ``"transplant"``: the compressed data of each grain of a streamOptimized disk are moved
            as they are, which costs nearly nothing. QEMU reads that; readers that keep to a window
            of 4 KiB do not. The grains are not decompressed, and so not compared with their
            checksums.
        vmdk_compression: What compresses the grains of a ``vmdk``: ``libdeflate``, the faster one,
            or ``zlib`` at level 1, which gives the very bytes of VMware's own streams.
        grains: Whether a transplant does decompress each grain and compares it with its checksum.
            Any other conversion of a streamOptimized disk does so always.
        block_device: Whether `target` is a block device, which is overwritten with a raw image
            (Linux): it must hold the disk, and nothing may use it. Where the disk has no grain, it
            is discarded or gets zeros; what is behind the disk stays. After an error it has a part
            of the disk, of which a log record tells.
        overwrite: Whether a file that is there may be replaced, by a whole one.
        threads: 1 to 64 threads, the one that reads included; None for one per processor, 9 at
            most.
        progress: True for a bar, or a callable that gets a
            :class:`~nfclease.progress.TransferProgress`.

    Returns:
        What was made.

    Raises:
        DiskFormatError: The source is of no format that is read, or of another one than was said;
            it is damaged or cut, and the message says where and which sectors that touches; or
            it is a qcow2 image with a backing file, an external data file, encryption, zstd,
            extended L2 entries or unknown features, which are not read.
        TruncatedError: A raw disk or a qcow2 image became shorter while it was read.
        FileExistsError: The target is there, and `overwrite` was not given.
        OSError: A file cannot be read or written.
        TypeError: An argument is of the wrong kind.
        ValueError: `to`, `source_format`, `qcow2_compression`, `vmdk_compression` or `threads` is
            none of those, or they do not go together; `to` is None and the suffix is another one;
            a block device is to get something other than raw, or is the source as well; a raw disk
            is empty; a source that is not a streamOptimized disk is to be transplanted.

    Examples:
        >>> import os
        >>> from nfclease import image
        >>> made = image.convert("disk.vmdk", "disk.raw")
        >>> made.capacity == os.path.getsize(made.path)
        True
        >>> image.convert("disk.vmdk", "disk.qcow2", qcow2_compression="transplant").format
        'qcow2'
        >>> image.convert("disk.raw", "back.vmdk").capacity == made.capacity
        True
        >>> image.convert("disk.raw", "small.qcow2", qcow2_compression="deflate").format
        'qcow2'
    """
    from nfclease._backends.blocking import run
    from nfclease.appliance._face import BlockingFace
    from nfclease.image._jobs import converted

    job = converted(
        BlockingFace(),
        source,
        target,
        to=to,
        source_format=source_format,
        qcow2_compression=qcow2_compression,
        vmdk_compression=vmdk_compression,
        grains=grains,
        block_device=block_device,
        overwrite=overwrite,
        threads=threads,
        progress=progress,
    )
    return run(job, "convert", "await convert_async")


async def convert_async(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    to: Literal["raw", "qcow2", "vmdk"] | None = None,
    source_format: Literal["raw", "qcow2", "vmdk"] | None = None,
    qcow2_compression: Literal["none", "deflate", "transplant"] | None = None,
    vmdk_compression: Literal["libdeflate", "zlib"] = "libdeflate",
    grains: bool = False,
    block_device: bool = False,
    overwrite: bool = False,
    threads: int | None = None,
    progress: ProgressOption = None,
) -> ConvertedImage:
    """:func:`convert` for an event loop, which it does not hold up.

    Args:
        source: As there.
        target: As there.
        to: As there.
        source_format: As there.
        qcow2_compression: As there.
        vmdk_compression: As there.
        grains: As there.
        block_device: As there.
        overwrite: As there.
        threads: As there.
        progress: As there.

    Returns:
        As there.

    Raises:
        DiskFormatError: As there.
        TruncatedError: As there.
        FileExistsError: As there.
        OSError: As there.
        TypeError: As there.
        ValueError: As there.

    Examples:
        >>> import asyncio
        >>> from nfclease import image
        >>> asyncio.run(image.convert_async("disk.vmdk", "disk.raw")).format
        'raw'
    """
    from nfclease._backends.tracebacks import without_our_frames
    from nfclease.appliance._face import AsyncioFace
    from nfclease.image._jobs import converted

    job = converted(
        AsyncioFace(),
        source,
        target,
        to=to,
        source_format=source_format,
        qcow2_compression=qcow2_compression,
        vmdk_compression=vmdk_compression,
        grains=grains,
        block_device=block_device,
        overwrite=overwrite,
        threads=threads,
        progress=progress,
    )
    return await without_our_frames(job)
