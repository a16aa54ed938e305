"""A disk of an export becomes an image of another format."""

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
    to: Literal["raw", "qcow2"] | None = None,
    qcow2_compression: Literal["none", "deflate", "transplant"] | None = None,
    grains: bool = False,
    block_device: bool = False,
    overwrite: bool = False,
    threads: int | None = None,
    progress: ProgressOption = None,
) -> ConvertedImage:
    """Makes an image of another format of a streamOptimized disk, on all cores.

    The source is read once, from its begin to its end, and checked to the grain on the way (VMware
    "Virtual Disk Format 5.0"): the target gets its name when all of it was right and is durable;
    until then it is ``target.part``. A raw image is sparse where the file system can: what the disk
    has no grain for, and what is zero, takes no room. A qcow2 image has version 3 and clusters of
    64 KiB (QEMU, docs/interop/qcow2).

    Args:
        source: The path of a ``.vmdk`` as an export writes it.
        target: The path of the new file.
        to: What it becomes: ``"raw"`` or ``"qcow2"``; None goes by the suffix of `target`,
            ``.raw``, ``.img`` or ``.qcow2``.
        qcow2_compression: Of a qcow2 image. None or ``"none"``: no compression. ``"deflate"``:
            compressed as ``qemu-img convert -c`` does, which every reader takes.
            ``"transplant"``: the compressed data of each grain are moved as they are, which costs
            nearly nothing. QEMU reads that; readers that keep to a window of 4 KiB do not. The
            grains are not decompressed, and so not compared with their checksums.
        grains: Whether a transplant does decompress each grain and compares it with its checksum.
            Any other conversion does so always.
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
        DiskFormatError: The source is no streamOptimized disk, or it is damaged; the message says
            where, and which sectors of the disk that touches.
        TruncatedError: It is cut.
        FileExistsError: The target is there, and `overwrite` was not given.
        OSError: A file cannot be read or written.
        TypeError: An argument is of the wrong kind.
        ValueError: `to`, `qcow2_compression` or `threads` is none of those, or `to` is None and the
            suffix is another one, or a block device is to get something other than raw.

    Examples:
        >>> import os
        >>> from nfclease import image
        >>> made = image.convert("disk.vmdk", "disk.raw")
        >>> made.capacity == os.path.getsize(made.path)
        True
        >>> image.convert("disk.vmdk", "disk.qcow2", qcow2_compression="transplant").format
        'qcow2'
    """
    from nfclease._backends.blocking import run
    from nfclease.appliance._face import BlockingFace
    from nfclease.image._jobs import converted

    options = (to, qcow2_compression, grains, block_device, overwrite, threads, progress)
    job = converted(BlockingFace(), source, target, *options)
    return run(job, "convert", "await convert_async")


async def convert_async(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    to: Literal["raw", "qcow2"] | None = None,
    qcow2_compression: Literal["none", "deflate", "transplant"] | None = None,
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
        qcow2_compression: As there.
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

    options = (to, qcow2_compression, grains, block_device, overwrite, threads, progress)
    job = converted(AsyncioFace(), source, target, *options)
    return await without_our_frames(job)
