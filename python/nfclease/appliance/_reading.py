"""Files of a package that are read to their ends, several at once, in native threads."""

from __future__ import annotations

import time
from functools import partial

from nfclease import _core
from nfclease._meter import Meter
from nfclease.exceptions import IntegrityError, PackageError, UnsafePathError
from nfclease.progress import TransferProgress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from nfclease.appliance._face import Face
    from nfclease.progress import ProgressOption

#: A capacity is a whole number of these; the size of a stream hardly ever is.
_CAPACITY_UNIT = 1024 * 1024

#: Seconds between two looks at what is read, growing from the first to the second.
_SHORTEST, _LONGEST = 0.001, 0.05


class Reading:
    """One file, and what was found. It shows its progress as a transfer does."""

    def __init__(
        self,
        name: str,
        *,
        sums: list[str],
        size: int | None = None,
        chunk_size: int | None = None,
        gzip: bool = False,
        disk: str = "none",
    ) -> None:
        self.name = self.key = name
        self.sums, self.size, self.is_disk = sums, size, disk != "none"
        self._check = disk
        self._chunk_size, self._gzip = chunk_size, gzip
        self._core: _core.Reading | None = None
        self._meter = Meter()
        #: Name, size and checksums of each piece.
        self.pieces: list[tuple[str, int, list[str]]] = []
        #: What is wrong with its bytes.
        self.flaw: str | None = None
        #: What is known of a disk, every grain of which was looked at.
        self.disk: dict[str, Any] | None = None
        #: Why it could not be read.
        self.error: Exception | None = None
        self._is_done = False
        #: Who waits for its start may be interrupted, and the thread that starts it goes on.
        self._is_starting = self._is_cancelled = False

    def is_capacity(self, total: int) -> bool:
        """Whether its size in the descriptor cannot be meant as one, but as what disks can hold."""
        size = self.size or 0
        return self.is_disk and self.flaw is None and size > total and size % _CAPACITY_UNIT == 0

    def start(self, package: _core.Package | _core.Incoming | None) -> None:
        """Starts to read it, of a stream as soon as it comes."""
        self._is_starting = True
        try:
            if not self._is_cancelled:
                self._core = self._begin(package)
        except (PackageError, UnsafePathError) as error:
            self.error, self._is_done = error, True
        finally:
            if self._is_cancelled:
                self.cancel()
            self._is_starting = False

    def _begin(self, package: Any) -> _core.Reading:
        """What is read; a file that is in no package has a class of its own."""
        named: dict[str, Any] = {"sums": self.sums, "gzip": self._gzip, "disk": self._check}
        if isinstance(package, _core.Package):
            return package.check(self.name, chunk_size=self._chunk_size, size=self.size, **named)
        found: _core.Reading = package.check(self.name, **named)
        return found

    def has_ended(self) -> bool:
        """Whether its outcome can be had at once."""
        return self._core is None or self._core.ended()

    async def finish(self, face: Face) -> None:
        if self._core is None:
            return
        try:
            self._keep(await face.backend.for_work(self._core.work()))
        except (IntegrityError, PackageError, UnsafePathError) as error:
            self.error = error
        self._is_done = True

    def _keep(self, found: Any) -> None:
        self.pieces, self.flaw, self.disk = found

    def cancel(self) -> None:
        self._is_cancelled = True
        if self._core is not None:
            self._core.cancel()

    def settle(self) -> None:
        """Waits until it has let go of its files."""
        while self._is_starting or not self.has_ended():
            time.sleep(_LONGEST)

    def done(self) -> bool:
        return self._is_done

    @property
    def progress(self) -> TransferProgress:
        seen = 0 if self._core is None else self._core.seen()
        total = None if self._core is None else self._core.length()
        has_begun = self._core is not None
        failed = self.error is not None or self.flaw is not None
        rate = self._meter.rate(seen, waits=not has_begun, done=self._is_done)
        left = None if total is None or not rate or self._is_done else (total - seen) / rate
        return TransferProgress(
            name=self.name,
            key=self.key,
            bytes_done=seen,
            bytes_total=total,
            attempts=int(has_begun),
            rate=rate,
            seconds_left=left,
            done=self._is_done,
            failed=self._is_done and failed,
        )


async def read_all(
    face: Face,
    package: _core.Package | _core.Incoming | None,
    readings: Sequence[Reading],
    limit: int,
    progress: ProgressOption,
) -> None:
    """Reads all of them, so many at once. What was started is stopped on every way out."""
    from nfclease._display.option import reporter

    shown: Any = readings  # each shows itself as a transfer does
    report = reporter(progress, shown)
    waiting = list(readings)
    running: list[Reading] = []
    pause = _SHORTEST
    try:
        while waiting or running:
            while waiting and len(running) < limit:
                reading = waiting.pop(0)
                running.append(reading)
                await face.in_thread(partial(reading.start, package))
            ended = [reading for reading in running if reading.has_ended()]
            for reading in ended:
                await reading.finish(face)
                running.remove(reading)
            if report is not None:
                report.update()
            pause = _SHORTEST if ended else min(2 * pause, _LONGEST)
            if running and not ended:
                await face.pause(pause)
    finally:
        for reading in running:
            reading.cancel()
        if report is not None:
            report.close()
