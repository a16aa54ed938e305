"""One stream under way: its digests, its pace, and the faults that wait along it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

from nfclease.simulator.inventory.stored import Stored
from nfclease.simulator.lease.files import LeaseFile
from nfclease.simulator.lease.lease import Lease
from nfclease.simulator.lease.wire import CutError, fin, flushed, reset
from nfclease.simulator.recorder import Transfer
from nfclease.simulator.world import World

Sink = Callable[[bytes], Awaitable[None]]
_SLICES = 20  # per second, of a stream that is held back


class Ended(Exception):  # noqa: N818 - no error: the body ends here, well-formed
    """A ``cut`` that looks like an end."""


class Stream:
    """Passes bytes on, counts and hashes them, and springs faults at their offsets."""

    def __init__(
        self, world: World, lease: Lease, file: LeaseFile, record: Transfer, transport: Any
    ) -> None:
        self.world = world
        self.lease = lease
        self.file = file
        self.record = record
        self.transport = transport
        self.size: int = 0
        self.head: bytes = b""
        self.stored: Stored = Stored()
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256() if file.checksum_type == "sha256" else None
        self._begun = time.monotonic()
        facts = record.facts()
        take = world.faults.take
        self._flips = [flip] if (flip := take("flip", facts)) is not None else []
        self._pace = (take("bandwidth", facts) or {}).get("bytes_per_second")
        self.cut: dict[str, Any] | None = take("cut", facts)
        self._events: list[tuple[int, str, dict[str, Any]]] = []
        for kind, params in (
            ("expire", take("expire", facts)),
            ("stall", take("stall", facts)),
            ("cut", self.cut),
        ):
            if params is not None and params.get("after_bytes", 0) is not None:
                self._events.append((params.get("after_bytes", 0), kind, params))
        self._events.sort(key=lambda event: event[0])

    @property
    def how(self) -> str:
        """The way in which the connection is to be cut."""
        return str((self.cut or {}).get("how", "reset"))

    async def spring(self) -> None:
        """Lets the faults happen that are due before the first byte."""
        await self._due(0)

    async def send(self, data: bytes, sink: Sink, total: int | None) -> None:
        """Hashes, then flips, then passes on to the client."""
        async for piece in self._pieces(data):
            self._hash(piece)
            self.record.bytes_sent += len(piece)
            if self.size == total:
                self.publish()  # a client may ask for the manifest at the last byte
            await sink(self._flipped(piece))
            # A lost connection takes every write at once; only the loop can tell that it is lost.
            await asyncio.sleep(0)

    async def receive(self, data: bytes) -> None:
        """Flips, then hashes what came from the client."""
        async for piece in self._pieces(data):
            changed = self._flipped(piece, ahead=True)
            self._hash(changed)
            self.stored.write(changed)
            self.record.bytes_received += len(piece)

    def _hash(self, piece: bytes) -> None:
        self._sha1.update(piece)
        if self._sha256 is not None:
            self._sha256.update(piece)
        if len(self.head) < 512:
            self.head += piece[: 512 - len(self.head)]
        self.size += len(piece)

    def publish(self) -> None:
        """Puts size and digests where GetManifest finds them."""
        sums = {"size": self.size, "sha1": self._sha1.hexdigest()}
        if self._sha256 is not None:
            sums["sha256"] = self._sha256.hexdigest()
        self.file.sums = sums
        self.record.sha1 = str(sums["sha1"])

    def _flipped(self, piece: bytes, ahead: bool = False) -> bytes:
        start = self.size if ahead else self.size - len(piece)
        for flip in self._flips:
            offset = flip.get("offset", 0) - start
            if 0 <= offset < len(piece):
                changed = bytearray(piece)
                changed[offset] ^= flip.get("mask", 0xFF)
                piece = bytes(changed)
        return piece

    async def _pieces(self, data: bytes) -> Any:
        """``data``, cut at the offsets of faults and into slices when held back."""
        while data:
            pace = self._pace or self.world.bandwidth
            end = len(data)
            if pace:
                end = min(end, max(int(pace / _SLICES), 256))
            if self._events:
                end = min(end, self._events[0][0] - self.size)
            piece, data = data[:end], data[end:]
            if piece:
                if pace:
                    await self._hold_back(len(piece) / pace)
                yield piece
            await self._due(self.size)

    async def _hold_back(self, seconds: float) -> None:
        self._begun = max(self._begun + seconds, time.monotonic() - 1)
        wait = self._begun - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)

    async def _due(self, position: int) -> None:
        while self._events and self._events[0][0] <= position:
            _, kind, params = self._events.pop(0)
            if kind == "stall":
                await self.world.faults.delay(params, None)
            elif kind == "expire":
                self.lease.expire()
                raise CutError
            else:
                await self._end()

    async def _end(self) -> None:
        self.record.aborted = True
        if self.how in ("end", "close_delimited"):
            raise Ended
        if self.transport is None:  # the server's own request, of a pull
            raise CutError("cut")
        if self.how == "clean":
            self.transport.close()
        elif self.how == "fin":
            await fin(self.transport)
        else:
            # What was sent so far shall arrive: a reset drops what waits on either side.
            await flushed(self.transport)
            await asyncio.sleep(0.02)
            reset(self.transport)
        raise CutError
