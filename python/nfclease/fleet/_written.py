"""Whether the files of an earlier run are still there, and still the same."""

from __future__ import annotations

import hashlib
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from nfclease.fleet.outcomes import WrittenFile

__all__ = ["is_there"]

#: Bytes that are read at once.
_BLOCK = 1 << 20


def is_there(files: Sequence[WrittenFile], *, verify: bool) -> bool:
    """Whether each has its size and time, and with `verify` its digest."""
    if not all(map(_is_as_it_was, files)):
        return False
    return not verify or _is_proved(files)


def _is_as_it_was(file: WrittenFile) -> bool:
    try:
        found = os.stat(file.path)
    except (OSError, ValueError):
        return False
    return (
        stat.S_ISREG(found.st_mode)
        and found.st_size == file.size
        and found.st_mtime_ns == file.mtime_ns
    )


def _is_proved(files: Sequence[WrittenFile]) -> bool:
    """By digests; of packages without by what is in them, which proves the files beside, too."""
    bare = [file for file in files if not file.checksum]
    packages = [file for file in bare if file.path.lower().endswith((".ova", ".ovf"))]
    if bare and not packages:
        return False
    return all(_has_digest(file) for file in files if file.checksum) and all(
        _is_whole(file.path) for file in packages
    )


def _has_digest(file: WrittenFile) -> bool:
    try:
        digest = hashlib.new(file.checksum_type, usedforsecurity=False)
        with open(file.path, "rb") as opened:
            while block := opened.read(_BLOCK):
                digest.update(block)
    except (OSError, ValueError):  # a digest that nobody knows proves nothing
        return False
    return digest.hexdigest() == file.checksum.lower()


def _is_whole(path: str) -> bool:
    from nfclease.appliance.verify import verify
    from nfclease.exceptions import NfcError

    try:
        return bool(verify(path))
    except (NfcError, OSError):
        return False
