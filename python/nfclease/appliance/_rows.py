"""The rows of an export: of files that came, and of disks that were kept."""

from __future__ import annotations

from nfclease._text import escaped
from nfclease.appliance import _disk_images
from nfclease.appliance._descriptor import sums_of
from nfclease.appliance._resuming import differing
from nfclease.appliance.results import ExportedFile
from nfclease.exceptions import ChecksumMismatchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from nfclease._lease_core import LeaseCore
    from nfclease.appliance._face import Face
    from nfclease.appliance._included import Included
    from nfclease.appliance._kept import KeptFile
    from nfclease.appliance._resuming import Resuming
    from nfclease.transfer import TransferResult


async def rows(
    face: Face,
    core: LeaseCore,
    files: Sequence[Included],
    results: Iterable[TransferResult],
    reused: Mapping[str, KeptFile],
    resuming: Resuming | None,
    kind: str | None,
) -> list[ExportedFile]:
    """A row for each file, with what the lease manifest says of its disk, or its stream.

    Args:
        face: How the job waits.
        core: The lease.
        files: All of them, in order.
        results: Of those that came, in the same order.
        reused: The others, by name.
        resuming: Who kept them.
        kind: The sums of the manifest file; None without one.

    Raises:
        ChecksumMismatchError: The server lists another sum for a disk that was kept.
    """
    with core.faults():
        sums = await face.call(lambda: sums_of(core.plain))
    came, made = iter(results), []
    for file in files:
        entry = sums.get(file.device.key) if file.is_disk else None
        kept = reused.get(file.name)
        if kept is None:
            made.append(_of_transfer(file, next(came), entry))
            continue
        if resuming is not None and (found := differing(kept, entry)):
            await resuming.forget(kept.key)
            raise _other(file.name, found)
        made.append(_of_kept(kept, entry, kind))
    return made


def _of_transfer(file: Included, result: TransferResult, entry: Any) -> ExportedFile:
    return ExportedFile(
        name=file.name,
        size=result.bytes,
        checksum=result.file_checksum or result.checksum,
        checksum_type=result.file_checksum_type or result.checksum_type,
        verified=result.verified,
        seconds=result.seconds,
        attempts=result.attempts,
        key=result.key,
        disk=file.is_disk,
        format=_disk_images.STREAM if file.is_disk else None,
        capacity=_listed(entry, "capacity", result.capacity),
        populated_size=_listed(entry, "populatedSize", result.populated_size),
    )


def _of_kept(kept: KeptFile, entry: Any, kind: str | None) -> ExportedFile:
    kind = kind or kept.checksum_type
    return ExportedFile(
        name=kept.name,
        size=kept.size,
        checksum=kept.sums[kind],
        checksum_type=kind,
        verified="manifest" if kept.verified == "manifest" else "stream",
        seconds=0.0,
        attempts=0,
        key=kept.key,
        disk=True,
        format=_disk_images.STREAM,
        capacity=_listed(entry, "capacity", kept.capacity),
        populated_size=_listed(entry, "populatedSize", kept.populated_size),
        reused=True,
    )


def _listed(entry: Any, name: str, counted: int | None) -> int | None:
    listed: int | None = getattr(entry, name, None)
    return counted if listed is None else listed


def _other(name: str, found: tuple[str, str, str]) -> ChecksumMismatchError:
    what, expected, actual = found
    error = ChecksumMismatchError(
        f"{escaped(name)}: its {what} is {actual} in the disk that was kept and "
        f"{escaped(expected)} in the lease manifest; export again, and it is fetched anew"
    )
    error.expected, error.actual, error.checksum_type = expected, actual, what
    error.retryable, error.remedy, error.file = False, "new_lease", name
    return error
