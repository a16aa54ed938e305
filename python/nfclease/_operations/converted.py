"""Uploads of raw or qcow2 disks: a streamOptimized VMDK is made of each first."""

from __future__ import annotations

from nfclease._local.items import capacities_of, is_disk
from nfclease._local.spools import Spool, disk_path, is_stream
from nfclease._log import extra, logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease import _core
    from nfclease._backends.base import Backend
    from nfclease._local.items import Found


class Streams:
    """``async with`` it: what was made is removed at the end of the block.

    Args:
        backend: How the caller waits.
        lease: Its reference, for the log.
    """

    def __init__(self, backend: Backend, lease: str) -> None:
        self._backend, self._lease, self._spool = backend, lease, Spool()

    async def __aenter__(self) -> Streams:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._backend.for_call(self._spool.remove)

    async def of_path(self, source: Any, capacity: int | None = None) -> tuple[str, str | None]:
        """The path of a disk, and of the stream that is made of it; None where it is one already.

        Raises:
            TypeError: The source is something else than a path.
            DiskFormatError: It is damaged, or of a kind that is not read.
            OSError: It cannot be read.
        """
        path, spool = disk_path(source), self._spool
        if await self._backend.for_call(lambda: is_stream(path)):
            return path, None
        stream = spool.next_path()
        await self._make(lambda: spool.encoding(path, stream, capacity), path, stream)
        return path, stream

    async def of_items(self, found: Found) -> list[str | None]:
        """For each file, the stream that is made of it; None where it is sent as it is.

        Raises:
            DiskFormatError: A disk is damaged, or of a kind that is not read.
            OSError: One cannot be read.
            PackageError: One is larger than the descriptor says.
        """
        capacities = capacities_of(found.package)
        streams: list[str | None] = []
        for item, source in found.files:
            stream = None
            if is_disk(item):
                capacity = capacities.get(item.path)
                if isinstance(source, str):
                    _, stream = await self.of_path(source, capacity)
                elif found.package is not None:
                    stream = await self._of_member(found.package, item.path, capacity)
            streams.append(stream)
        return streams

    async def _of_member(
        self, package: _core.Package, href: str, capacity: int | None
    ) -> str | None:
        if await self._backend.for_call(lambda: package.image_format(href)) == "vmdk":
            return None
        stream, spool = self._spool.next_path(), self._spool
        start = lambda: spool.started(package.encode(href, stream, capacity))  # noqa: E731
        await self._make(start, f"{package.name}: {href}", stream)
        return stream

    async def _make(self, start: Any, name: str, stream: str) -> None:
        work = await self._backend.for_call(start)
        logger().info(
            "%s: a streamOptimized VMDK is made of it first, as %s",
            *(name, stream),
            extra=extra(self._lease, file=name),
        )
        await self._backend.for_work(work.work())
