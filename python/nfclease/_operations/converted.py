"""An upload of a raw or qcow2 disk: a streamOptimized VMDK is made of it first."""

from __future__ import annotations

from nfclease import _core
from nfclease._local.spools import Spool, disk_path, is_stream
from nfclease._log import extra, logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease._backends.base import Backend


class converted:  # noqa: N801 - used as a function
    """``async with`` it: the paths of the disk and of the stream that was made of it.

    That is removed at the end of the block. It is None where the disk is a stream already.
    """

    def __init__(self, backend: Backend, source: Any, lease: str) -> None:
        self._backend, self._lease = backend, lease
        self._source, self._spool = disk_path(source), Spool()

    async def __aenter__(self) -> tuple[str, str | None]:
        try:
            return self._source, await self._made()
        except BaseException:
            await self._backend.for_call(self._spool.remove)
            raise

    async def __aexit__(self, *exc: object) -> None:
        await self._backend.for_call(self._spool.remove)

    async def _made(self) -> str | None:
        source, spool = self._source, self._spool
        if await self._backend.for_call(lambda: is_stream(source)):
            return None
        path = spool.next_path()

        def start() -> _core.Reading:
            return spool.started(
                _core.Reading.of_encoding(
                    source,
                    path,
                    overwrite=False,
                    format=None,
                    compression="libdeflate",
                    threads=None,
                )
            )

        work = await self._backend.for_call(start)
        logger().info(
            "%s: a streamOptimized VMDK is made of it first, as %s",
            *(source, path),
            extra=extra(self._lease, file=source),
        )
        await self._backend.for_work(work.work())
        return path
