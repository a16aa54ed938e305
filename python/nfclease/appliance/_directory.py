"""A package as a directory: made beside its name, which it gets when all of it is verified."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import threading
from contextlib import suppress

from nfclease import _core
from nfclease._local.ends import local_path
from nfclease._notes import note_files
from nfclease.exceptions import NfcError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from nfclease.appliance._face import Face

#: Bytes of a descriptor that are looked at; no product takes a longer one.
_LONGEST = 12 << 20


class Directory:
    """``async with`` it: the staged directory, which goes unless ``publish`` gave it its name.

    Args:
        face: How the job waits.
        target: The directory that is to be.
        overwrite: Whether a package that is there is replaced.
        stage: Where it is made, by somebody who keeps what is in it after a failure; None for a
            directory that is made for it, and goes then.

    Raises:
        FileExistsError: There is a directory with something in it already, or a file; with
            `overwrite`, one that is more than a package.
        OSError: It cannot be made.
    """

    def __init__(
        self,
        face: Face,
        target: str | os.PathLike[str],
        overwrite: bool,
        stage: str | None = None,
    ) -> None:
        self._face = face
        #: The names of descriptor and manifest file.
        self._names: list[str] = []
        #: As the caller gave it.
        self.path = os.fspath(local_path(target))
        self._final = os.path.realpath(self.path)
        self._overwrite = overwrite
        self._is_kept = stage is not None
        self._stage = stage or f"{self._final}.part-{secrets.token_hex(4)}"
        #: What is to go: the stage, or the package that it replaced. None when all is in place.
        self._unwanted: str | None = None if self._is_kept else self._stage
        #: The job is over. A thread of it may go on, when the wait for it was broken off.
        self._is_left = False
        #: Held while the stage is made, filled and placed, and while it is removed.
        self._lock = threading.Lock()
        self._check()

    def _check(self) -> None:
        """Refuses a place that is taken."""
        if not os.path.lexists(self._final):
            return
        if not os.path.isdir(self._final):
            raise FileExistsError(errno.EEXIST, "there is a file of this name", self.path)
        if os.path.ismount(self._final):
            raise OSError(errno.EBUSY, "it is a mount point; name a directory in it", self.path)
        there = os.listdir(self._final)
        if there and not self._overwrite:
            text = f"{os.strerror(errno.EEXIST)} and is not empty; overwrite=True replaces it"
            raise FileExistsError(errno.EEXIST, text, self.path)
        if stranger := stranger_in(self._final):
            text = f"overwrite=True replaces a package alone, and here is {stranger!r} as well"
            raise FileExistsError(errno.EEXIST, text, self.path)

    async def __aenter__(self) -> Directory:
        try:
            await self._face.call(self._make)
        except BaseException as error:
            await self._discard(error)
            raise
        return self

    def _make(self) -> None:
        with self._lock:
            self.goes_on()
            if self._is_kept:
                return
            try:
                os.mkdir(self._stage)
            except FileNotFoundError:
                reason = os.strerror(errno.ENOENT)
                text = f"{reason}, and only the last level of a directory is made"
                raise FileNotFoundError(errno.ENOENT, text, self.path) from None

    def goes_on(self) -> None:
        """Ends a thread whose job is over.

        Raises:
            RuntimeError: It is.
        """
        if self._is_left:
            raise RuntimeError("nobody waits for this package any more")

    def begin(
        self, names: list[str], manifest_size: int, files: list[str], draft: bytes
    ) -> dict[str, str]:
        """Learns the `names` of descriptor and manifest file; nothing is reserved in a directory.

        Returns:
            Where each file of the package goes.
        """
        self._names = names
        return {name: os.path.join(self._stage, name) for name in files}

    def as_written(self, descriptor: bytes) -> bytes:
        """The descriptor as it is."""
        return descriptor

    async def finish(self, descriptor: bytes, manifest: bytes | None) -> None:
        """Writes descriptor and manifest file; all of the package is on the disk then.

        Raises:
            OSError: That could not be, or its name cannot be given; the target is as it was.
        """
        texts = [descriptor] if manifest is None else [descriptor, manifest]
        await self._face.call(lambda: self._finish(texts))

    def _finish(self, texts: list[bytes]) -> None:
        with self._lock:
            self.goes_on()
            for name, text in zip(self._names, texts, strict=True):
                _write(os.path.join(self._stage, name), text)
            sync(self._stage)
            self._check()

    async def publish(self) -> None:
        """Gives the directory its name.

        Raises:
            OSError: That could not be; the target is as it was.
        """
        await self._face.call(self._publish)

    def _publish(self) -> None:
        with self._lock:
            self._check()
            self.goes_on()
            self._place()
            sync(os.path.dirname(self._final))
            self._remove()

    def _place(self) -> None:
        """Gives the stage its name."""
        if os.path.isdir(self._final):
            (self._swap if os.listdir(self._final) else self._fill)()
        else:
            os.rename(self._stage, self._final)
            self._unwanted = None

    def _fill(self) -> None:
        """Takes the place of an empty directory, which not every file system lets be renamed."""
        os.rmdir(self._final)
        try:
            os.rename(self._stage, self._final)
        except BaseException:
            os.mkdir(self._final)
            raise
        self._unwanted = None

    def _swap(self) -> None:
        """Two renames: for the moment between them neither package has the name."""
        old = f"{self._final}.old-{secrets.token_hex(4)}"
        os.rename(self._final, old)
        try:
            os.rename(self._stage, self._final)
        except BaseException:
            os.rename(old, self._final)
            raise
        self._unwanted = old

    def _remove(self) -> None:
        """Removes what is to go, as far as that can be."""
        if self._unwanted is not None:
            shutil.rmtree(self._unwanted, ignore_errors=True)
            if not os.path.lexists(self._unwanted):
                self._unwanted = None

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        cause: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._unwanted is not None or cause is not None:
            await self._discard(cause)

    async def _discard(self, cause: BaseException | None) -> None:
        self._is_left = True

        def discard() -> None:
            with self._lock:
                self._remove()
            if self._unwanted is not None and isinstance(cause, (NfcError, OSError)):
                cause.files_left = [self._unwanted]  # type: ignore[union-attr]
                note_files(cause, [self._unwanted])

        await self._face.cleanup(discard, cause)


def stranger_in(directory: str) -> str:
    """Something that is not of a package: a folder, or a file that no descriptor here names."""
    entries = {entry.name: entry for entry in os.scandir(directory)}
    descriptors = [name for name in entries if name.lower().endswith(".ovf")]
    if entries and not descriptors:
        return min(entries)
    known: set[str] = set()
    for name in descriptors:
        stem = name[: -len(".ovf")]
        known |= {name, f"{stem}.mf", f"{stem}.cert", *files_of(entries[name].path)}
    strangers = (name for name in entries if name not in known)
    folders = (name for name, entry in entries.items() if not entry.is_file(follow_symlinks=False))
    return min(strangers, default=min(folders, default=""))


def files_of(descriptor: str) -> set[str]:
    """The files that a descriptor names, as far as it can be read."""
    with open(descriptor, "rb") as file, suppress(NfcError):
        read = _core.parse_descriptor(file.read(_LONGEST + 1), allow_outside=True)
        return {name for each in read["files"] for name in (each["href"], each["path"])}
    return set()


def _write(path: str, text: bytes) -> None:
    """A new file that lasts; its errors name it, those of a full disk too."""
    try:
        with open(path, "xb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        error.filename = error.filename or path
        raise


def sync(directory: str) -> None:
    """Makes its names last, where a file system can."""
    with suppress(OSError):
        number = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
