"""Is a package whole, and are its bytes those that its manifest file lists?"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from typing import Any

    from nfclease.appliance.verify_result import VerifyResult
    from nfclease.progress import ProgressOption

__all__ = ["verify", "verify_async"]


def verify(
    source: Any,
    *,
    grains: bool = False,
    strict: bool = False,
    progress: ProgressOption = None,
    max_concurrency: int | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    ssl_thumbprint: str | None = None,
) -> VerifyResult:
    """Reads a package to its end and compares it with its descriptor and its manifest file.

    Checked are: the archive's headers; the descriptor; that each file is there, in all its chunks,
    and as long as the descriptor says; each line of the manifest file (DSP0243 2.1.1, lines
    405-421: SHA-1, SHA-256 or SHA-512 of the bytes as they are stored); that each disk said to be
    streamOptimized starts and ends as such a stream. With `grains`, every grain of such a disk is
    decompressed and compared with its own checksum, on all cores, and so are the tables that list
    them (VMware "Virtual Disk Format 5.0"): that needs no manifest file. Nothing is unpacked or
    written, but for a stream with files that are compressed or in chunks, which goes to a temporary
    directory. No vSphere is asked. A signature (``.cert``) is not checked.

    Args:
        source: The path or the ``https://`` address of an ``.ova`` or an ``.ovf``; a directory of
            one; a binary file object or an iterable of bytes of an OVA. What cannot seek, a server
            without Range among them, is read once, in order. The path of a ``.vmdk`` is that of a
            disk by itself.
        grains: Whether each disk is checked to the grain. The result then has ``disks``, which say
            where the first flaw is, and which sectors of the disk it touches.
        strict: Whether what is only odd is a problem too: a file without a line, no manifest file,
            a form that vSphere refuses.
        progress: True for bars, or a callable that gets a
            :class:`~nfclease.progress.TransferProgress` of each file, ``key`` being its name.
        max_concurrency: How many files are read at once, 1 to 64; None for one per processor, 8 at
            most.
        ca_file: PEM file of the CAs to trust for an address; the system's where none is given.
        ssl_thumbprint: Of the certificate of an address's server, which then decides alone.

    Returns:
        What was found; true when nothing is wrong. Of a package that is cut or damaged the result
        says so; it is not an exception.

    Raises:
        OSError: A file cannot be found or read.
        TypeError: An argument is of the wrong kind.
        ValueError: `max_concurrency` is not 1 to 64; or `ca_file` or `ssl_thumbprint` was given,
            and `source` is not an address.
        ConnectError: An address's server cannot be reached.
        TlsError: It is not trusted.
        HttpStatusError: It refuses.

    Examples:
        >>> result = nfclease.verify(package)
        >>> [(file.name, file.verified) for file in result.files]
        [('demo.ovf', True), ('disk.vmdk', True)]
        >>> if not result:
        ...     print(*result.problems, sep="; ")
    """
    from nfclease._backends.blocking import run
    from nfclease.appliance._face import BlockingFace
    from nfclease.appliance._verifying import verified

    face = BlockingFace()
    job = verified(face, source, strict, progress, max_concurrency, ca_file, ssl_thumbprint, grains)
    return run(job, "verify", "await verify_async")


async def verify_async(
    source: Any,
    *,
    grains: bool = False,
    strict: bool = False,
    progress: ProgressOption = None,
    max_concurrency: int | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    ssl_thumbprint: str | None = None,
) -> VerifyResult:
    """:func:`verify` for an event loop, which it does not hold up.

    Args:
        source: As there.
        grains: As there.
        strict: As there.
        progress: As there.
        max_concurrency: As there.
        ca_file: As there.
        ssl_thumbprint: As there.

    Returns:
        As there.

    Raises:
        OSError: As there.
        TypeError: As there.
        ValueError: As there.
        ConnectError: As there.
        TlsError: As there.
        HttpStatusError: As there.

    Examples:
        >>> import asyncio
        >>> asyncio.run(nfclease.verify_async(package)).ok
        True
    """
    from nfclease._backends.tracebacks import without_our_frames
    from nfclease.appliance._face import AsyncioFace
    from nfclease.appliance._verifying import verified

    return await without_our_frames(
        verified(
            AsyncioFace(),
            source,
            strict,
            progress,
            max_concurrency,
            ca_file,
            ssl_thumbprint,
            grains,
        )
    )
