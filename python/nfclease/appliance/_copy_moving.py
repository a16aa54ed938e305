"""The files of a copy, so many at once."""

from __future__ import annotations

import errno

from nfclease._backends.base import INTERVAL
from nfclease._local.spools import Spool
from nfclease._notes import add_note
from nfclease._operations.waiting import stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from nfclease._lease_core import LeaseCore
    from nfclease.appliance._copied import Copied
    from nfclease.appliance._face import Face
    from nfclease.progress import ProgressOption


class Moving:
    """``async with`` it: what is left of the spool is removed at the end of the block.

    Args:
        face: How the job waits.
        source: The lease that the files come from.
        target: The lease that they go to.
    """

    def __init__(self, face: Face, source: LeaseCore, target: LeaseCore) -> None:
        self._face, self._source, self._target = face, source, target
        self._spool = Spool()

    async def __aenter__(self) -> Moving:
        return self

    async def __aexit__(self, _kind: object, cause: BaseException | None, _at: object) -> None:
        await self._face.cleanup(self._spool.remove, cause)

    async def run(
        self, files: Sequence[Copied], order: Sequence[int], progress: ProgressOption
    ) -> None:
        """Moves all, ``max_concurrency`` at once; their positions start in `order`.

        Raises:
            NfcError: A transfer failed; those that run are stopped first.
            OSError: The spool cannot be written.
        """
        from nfclease._display.option import reporter

        shown: Any = files
        report = reporter(progress, shown)
        moving: list[Copied] = []
        try:
            try:
                await self._run([files[at] for at in order], moving, report)
            finally:
                if report is not None:
                    report.close()
        except BaseException as error:
            transfers = [transfer for each in moving for transfer in each.moving]
            await stop(self._face.backend, transfers, error)
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                most = self._source.max_concurrency
                add_note(error, f"up to {most} files are spooled in TMPDIR; max_concurrency=1: one")
            raise

    async def _run(self, waiting: list[Copied], moving: list[Copied], report: Any) -> None:
        face, source, target = self._face, self._source, self._target
        while waiting or moving:
            while waiting and len(moving) < source.max_concurrency:
                moving.append(waiting.pop(0))
                await moving[-1].start(face, source, target, self._spool)
            if report is not None:
                report.update()  # of a failure too, before it comes out
            for each in list(moving):
                await each.go_on(face, target)
                if each.done():
                    moving.remove(each)
            transfers = [transfer for each in moving for transfer in each.moving]
            running = [each._tracked.core for each in transfers if not each.done()]
            if running:
                with face.backend.watch(running) as next_end:
                    await next_end(None if report is None else INTERVAL)
        if report is not None:
            report.update()
