"""A package as one archive, which is written in one pass."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress

from nfclease import _core
from nfclease._local.ends import local_path, refuse_text
from nfclease._log import extra, logger
from nfclease._notes import note_files
from nfclease.exceptions import NfcError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Any

    from nfclease._arguments import Writable
    from nfclease.appliance._face import Face
    from nfclease.appliance.results import ExportedFile

#: Bytes by which a descriptor may grow for each disk, whose ``populatedSize`` a draft lacks, and in
#: all. One that grows more costs a pass over the archive.
_FOR_A_DISK = 64
_FOR_ALL = 1024


class Ova:
    """``async with`` it: the archive, which goes again unless ``publish`` gave it its name.

    Args:
        face: How the job waits.
        target: The file that is to be, or a file object that is only written to.
        overwrite: Whether a file that is there is replaced.
        vm: The moId of the VM or vApp, for log records.
        stage: Where the files come first, by somebody who keeps them after a failure; None where
            they come to the archive.

    Raises:
        FileExistsError: There is a file already.
        OSError: It cannot be made.
    """

    def __init__(
        self,
        face: Face,
        target: str | os.PathLike[str] | Writable,
        overwrite: bool,
        vm: str,
        stage: str | None = None,
    ) -> None:
        self._face, self._vm, self._stage = face, vm, stage
        self._target, self._overwrite = target, overwrite
        #: As the caller gave it; None for a file object.
        self.path: str | None = None
        if isinstance(target, (str, os.PathLike)):
            self.path = os.fspath(local_path(target))
        else:
            refuse_text("target", target, "wb")

    async def __aenter__(self) -> Ova:
        self._writer = await self._face.call(self._made)
        return self

    def _made(self) -> _core.OvaWriter:
        if self.path is not None:
            return _core.OvaWriter(self.path, overwrite=self._overwrite, vm=self._vm)
        from nfclease._local.file_objects import TargetEnd

        directory = tempfile.gettempdir()
        logger().warning(
            "the target is a file object: the files are spooled in %s first",
            directory,
            extra=extra(vm=self._vm),
        )
        end = TargetEnd(self._target, "the archive")
        return _core.OvaWriter.of_file(end, spool_directory=directory)

    def begin(
        self, names: list[str], manifest_size: int, files: list[str], draft: bytes
    ) -> dict[str, Any]:
        """Keeps room for descriptor and manifest file, whose `names` these are, in front.

        Returns:
            Where each file of the package goes; in this order they are in the archive.
        """
        slot = len(draft) + _FOR_A_DISK * len(files) + _FOR_ALL
        descriptor, manifest = [*names, None][:2]
        self._writer.reserve(descriptor or "", slot, manifest, manifest_size)
        if self._stage is not None:
            return {name: os.path.join(self._stage, name) for name in files}
        return {name: self._writer.member(name) for name in files}

    async def gather(self, files: Iterable[ExportedFile]) -> None:
        """Copies files that came beside the archive into it; each is digested once more for that.

        Raises:
            ChecksumMismatchError: A file was changed since it was verified.
            OSError: It cannot be read, or not be written.
        """
        if self._stage is None:
            return
        for file in files:
            path = os.path.join(self._stage, file.name)
            work = self._writer.append(file.name, path, file.checksum_type, file.checksum)
            await self._face.backend.for_work(work)

    def as_written(self, descriptor: bytes) -> bytes:
        """The descriptor with the white space behind it that fills its room."""
        return self._writer.padded(descriptor)

    async def finish(self, descriptor: bytes, manifest: bytes | None) -> None:
        """Writes descriptor and manifest file; all of the archive is on the disk then.

        A file object has all of it.

        Raises:
            OSError: That could not be, or its name cannot be given; the target is as it was.
        """
        await self._face.backend.for_work(self._writer.finish(descriptor, manifest))

    async def publish(self) -> None:
        """Gives the archive its name.

        Raises:
            OSError: That could not be; the target is as it was.
        """
        await self._face.backend.for_work(self._writer.publish())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        cause: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if cause is None:
            return

        def discard() -> None:
            left = self._writer.discard()
            if left and isinstance(cause, (NfcError, OSError)):
                with suppress(AttributeError):
                    cause.files_left = [*getattr(cause, "files_left", ()), *left]  # type: ignore[union-attr]
                note_files(cause, left)

        await self._face.cleanup(discard, cause)
