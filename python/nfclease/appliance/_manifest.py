"""The manifest file of an export: sums that were computed while the files were received."""

from __future__ import annotations

import hashlib

from nfclease import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from nfclease.appliance.results import ExportedFile

#: Its algorithms, in vSphere's spelling.
ALGORITHMS = ("sha1", "sha256", "sha512")


def check_algorithm(name: object) -> None:
    """Refuses another.

    Raises:
        ValueError: No manifest file has such sums.
    """
    if name is not None and name not in ALGORITHMS:
        raise ValueError(f"manifest must be one of {', '.join(ALGORITHMS)} or None, not {name!r}")


def manifest_text(name: str, descriptor: bytes, files: Iterable[ExportedFile], kind: str) -> bytes:
    """The lines of DSP0243: the descriptor's, then one for each file in its order."""
    sums = [(name, hashlib.new(kind, descriptor).hexdigest())]
    sums += [(file.name, file.checksum) for file in files]
    return _core.ManifestFile.build([(name, kind, digest) for name, digest in sums])


def manifest_size(names: Iterable[str], kind: str) -> int:
    """Bytes of a manifest file of these names, before any sum is known."""
    width = 2 * hashlib.new(kind).digest_size
    return sum(len(f"{kind.upper()}({name})= \n".encode()) + width for name in names)
