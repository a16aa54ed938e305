"""A disk, or a package, of another tool in the layout that VMware writes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from nfclease.image.normalised import Normalised
    from nfclease.progress import ProgressOption

__all__ = ["normalise", "normalise_async"]


def normalise(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    grains: bool = False,
    overwrite: bool = False,
    progress: ProgressOption = None,
) -> Normalised:
    """Writes a streamOptimized disk, or all those of a package, anew in VMware's layout.

    qemu-img and open-vmdk put the tables in front and write no end-of-stream marker, which ESXi,
    ovftool and 7-Zip may refuse. The new stream has each table behind its grains, then directory,
    footer and end-of-stream marker, and nothing behind them (VMware "Virtual Disk Format 5.0"). The
    compressed grains are moved as they are, so that it costs little more than a copy. Only a last
    grain that is shorter than 64 KiB is compressed anew. Markers, tables and text of the disk are
    checked on the way.

    In a package, the sizes of the files are changed where they stand in the descriptor, and the
    manifest file is made anew; every line of the old one is compared first. Files that are no
    streamOptimized disk are copied. A signature (``.cert``) was of the old manifest file, and is
    left out; the result says so. The target gets its name when all of it is right and durable.

    Args:
        source: The path of a ``.vmdk``, an ``.ova``, an ``.ovf`` or the directory of one.
        target: The path of the new ``.vmdk``; of a package, of the new ``.ova``, or of a directory
            if its name ends otherwise.
        grains: Whether each grain is decompressed and compared with its own checksum, too.
        overwrite: Whether what is there may be replaced, by something whole; it may be the source.
        progress: True for bars, or a callable that gets a
            :class:`~nfclease.progress.TransferProgress`.

    Returns:
        What was made.

    Raises:
        DiskFormatError: A disk is not streamOptimized, is damaged or cut, or has grains of
            another size than 64 KiB; the message says where.
        ChecksumMismatchError: A file is not the one that the manifest file lists.
        PackageError: The package is broken, or has what cannot be written anew: a file in chunks or
            in a folder, a disk that is compressed with gzip, a descriptor in UTF-16.
        FileExistsError: The target is there, and `overwrite` was not given.
        OSError: A file cannot be read or written.
        TypeError: An argument is of the wrong kind.
        ValueError: A package was to become a ``.vmdk``, or a disk an ``.ova``.

    Examples:
        >>> from nfclease import image
        >>> made = image.normalise("disk.vmdk", "normal.vmdk")
        >>> nfclease.verify(made.path, grains=True).ok
        True
    """
    from nfclease._backends.blocking import run
    from nfclease.appliance._face import BlockingFace
    from nfclease.image._rewriting import Wanted, normalised

    wanted = Wanted(source, target, grains, overwrite, progress)
    return run(normalised(BlockingFace(), wanted), "normalise", "await normalise_async")


async def normalise_async(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    grains: bool = False,
    overwrite: bool = False,
    progress: ProgressOption = None,
) -> Normalised:
    """:func:`normalise` for an event loop, which it does not hold up.

    Args:
        source: As there.
        target: As there.
        grains: As there.
        overwrite: As there.
        progress: As there.

    Returns:
        As there.

    Raises:
        DiskFormatError: As there.
        ChecksumMismatchError: As there.
        PackageError: As there.
        FileExistsError: As there.
        OSError: As there.
        TypeError: As there.
        ValueError: As there.

    Examples:
        >>> import asyncio
        >>> from nfclease import image
        >>> asyncio.run(image.normalise_async("disk.vmdk", "other.vmdk")).files[0].name
        'disk.vmdk'
    """
    from nfclease._backends.tracebacks import without_our_frames
    from nfclease.appliance._face import AsyncioFace
    from nfclease.image._rewriting import Wanted, normalised

    wanted = Wanted(source, target, grains, overwrite, progress)
    return await without_our_frames(normalised(AsyncioFace(), wanted))
