"""One file of a copy: it comes from one lease, and goes on to the other."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial

from nfclease import _core
from nfclease._arguments import count, unsized
from nfclease._operations.downloads import start_download
from nfclease._operations.uploads import start_upload
from nfclease._operations.waiting import observed
from nfclease.exceptions import TransferCancelledError
from nfclease.progress import TransferProgress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease._lease_core import LeaseCore
    from nfclease._local.spools import Spool
    from nfclease.appliance._face import Face
    from nfclease.appliance._included import Included
    from nfclease.transfer import Transfer, TransferResult

#: Files that are shorter are spooled even where their size is known: one whose connection breaks
#: can be fetched once more.
_PIPED = 1 << 20


class Copied:
    """A file. It shows itself as a transfer does: first what has come, then what was sent.

    Args:
        file: The device that it comes from, and its name.
        item: The ``FileItem`` that it is for.
    """

    def __init__(self, file: Included, item: Any) -> None:
        self.file, self.name, self.key = file, file.name, file.device.key
        #: Without the size in the descriptor, which was written before anybody knew it.
        self._item = unsized(item)
        #: Where it is spooled.
        self._path: str | None = None
        #: What has not been seen to end: of a file that is not spooled, both ways at once.
        self.moving: list[Transfer] = []
        #: What is shown.
        self._shown: Transfer | None = None
        self.came: TransferResult | None = None
        self.went: TransferResult | None = None

    async def start(self, face: Face, source: LeaseCore, target: LeaseCore, spool: Spool) -> None:
        """Starts to fetch it, and to send it on where its size is known already.

        The size that a lease says of a disk is not that of its stream.
        """
        size = None if self.file.is_disk else count(self.file.device.fileSize)
        end: Any
        if size is None or size < _PIPED:
            end = self._path = await face.call(spool.next_path)
            self._shown = start_download(source, self.file.device, end, False, None, None)
            self.moving.append(self._shown)
            return
        end, read = _core.pipe(self.name, size)
        self.moving.append(start_download(source, self.file.device, end, False, None, None))
        self._shown = await start_upload(target, face.backend, self._item, read, None)
        self.moving.append(self._shown)

    async def go_on(self, face: Face, target: LeaseCore) -> None:
        """Looks at what has ended, and sends what has come.

        Raises:
            ChecksumMismatchError: What is sent is not what has come.
        """
        ended = [each for each in self.moving if each.done()]
        if len(ended) < len(self.moving) and any(map(_has_failed, ended)):
            return  # the other way ends for it, or did before: which was first is known then
        for transfer in ended:
            result = self._observed(face, transfer)
            self.moving.remove(transfer)
            if transfer._lease is target:
                self.went = result
                if self._path is not None:
                    await face.call(partial(os.remove, self._path))
                continue
            self.came = result
            if self._path is not None:
                line, send = (result.checksum_type, result.checksum), partial(start_upload, target)
                self._shown = await send(face.backend, self._item, self._path, None, line=line)
                self.moving.append(self._shown)

    def _observed(self, face: Face, transfer: Transfer) -> TransferResult:
        """A result, or the failure. Of two ways that are one, one is cancelled for the other's."""
        try:
            return observed(face.backend, transfer)
        except TransferCancelledError:
            for other in self.moving:
                if other is not transfer:
                    observed(face.backend, other)
            raise

    def done(self) -> bool:
        """Whether all of it is there."""
        return self.came is not None and self.went is not None and not self.moving

    @property
    def seconds(self) -> float:
        """From its first request to its last check, one way after the other or both at once."""
        ways = [way.seconds for way in (self.came, self.went) if way is not None]
        return max(ways, default=0.0) if self._path is None else sum(ways)

    @property
    def progress(self) -> TransferProgress:
        """How far it is with what moves now."""
        if self._shown is None:
            return TransferProgress(name=self.name, key=self.key, bytes_done=0)
        failed = any(map(_has_failed, self.moving))
        now, done = self._shown.progress, failed or self.done()
        return replace(now, name=self.name, key=self.key, done=done, failed=failed)


def _has_failed(transfer: Transfer) -> bool:
    return bool(transfer._tracked.core.failed())
