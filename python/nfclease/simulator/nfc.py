"""The data side: ``/nfc/<ticket>/<name>``, where the ticket in the path is all it takes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import secrets
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from nfclease.simulator import vmdk
from nfclease.simulator.faults import Fault
from nfclease.simulator.model import Lease, LeaseDevice, ManifestEntry, World
from nfclease.simulator.recorder import DataRequest

#: Cut short by a fault, the handler has nothing more to say.
_GONE = web.Response(status=500)

LOGIN_PAGE = b"<!DOCTYPE html><html><body><h1>VMware ESXi</h1>Log in</body></html>\n" * 40


class DataService:
    """Serves and receives the files of leases."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle(self, request: web.Request, listener: str) -> web.StreamResponse:
        """One GET, POST or PUT."""
        record = self._world.recorder.request(
            listener, request.method, request.path, dict(request.headers)
        )
        try:
            response = await self._answer(request, record)
            record.status = record.status or response.status
            return response
        except (ConnectionError, asyncio.CancelledError):
            record.aborted = True
            raise
        finally:
            record.ended = time.monotonic()

    async def _answer(self, request: web.Request, record: DataRequest) -> web.StreamResponse:
        name = request.match_info["name"]
        found = self._find(request.match_info["ticket"], name)
        fault = self._world.faults.take("status", name)
        if fault:
            return web.Response(
                status=int(fault.params["code"]),
                text=str(fault.params.get("body", "")),
                headers=fault.params.get("headers") or {},
            )
        fault = self._world.faults.take("redirect", name)
        if fault:
            return web.Response(
                status=int(fault.params.get("code", 302)),
                headers={"Location": str(fault.params["location"])},
            )
        if found is None:
            return web.Response(status=404, text="no such lease or file")
        lease, device = found
        if request.method == "GET":
            return await _Download(self._world, lease, device, request, record).run()
        return await _Upload(self._world, lease, device, request, record).run()

    def _find(self, ticket: str, name: str) -> tuple[Lease, LeaseDevice] | None:
        for lease in self._world.leases.values():
            if secrets.compare_digest(lease.ticket, ticket) and lease.state == "ready":
                for device in lease.devices:
                    if unquote(device.url.rpartition("/")[2]) == name:
                        return lease, device
        return None


class _Stream:
    """What both directions share: the faults of a stream, its pace, its sums."""

    def __init__(
        self,
        world: World,
        lease: Lease,
        device: LeaseDevice,
        request: web.Request,
        record: DataRequest,
    ) -> None:
        self.world, self.lease, self.device = world, lease, device
        self.request, self.record = request, record
        self.name = device.url.rpartition("/")[2]
        self.sha1 = hashlib.sha1()
        self.sha256 = hashlib.sha256()
        self.wants_sha256 = lease.checksum_types.get(device.key) == "sha256"
        self.moved = 0
        take = world.faults.take
        self.cut = take("cut", self.name)
        self.stall = take("stall", self.name)
        self.expire = take("expire", self.name)
        pace = take("bandwidth", self.name)
        self.rate = float(pace.params["bytes_per_second"]) if pace else None
        self._began = time.monotonic()

    def hash(self, data: bytes) -> None:
        self.sha1.update(data)
        if self.wants_sha256:
            self.sha256.update(data)
        self.moved += len(data)

    def room(self, fault: Fault | None) -> int | None:
        """Bytes left until a fault strikes; None when there is none."""
        if fault is None:
            return None
        return max(0, int(fault.params.get("after_bytes", 0)) - self.moved)

    async def keep_pace(self) -> None:
        if self.rate:
            ahead = self.moved / self.rate - (time.monotonic() - self._began)
            if ahead > 0:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(self.lease.ended.wait(), ahead)
        else:
            await asyncio.sleep(0)

    async def strike(self) -> bool:
        """Stalls and expiries that are due; True when the stream is over."""
        if self.stall and self.room(self.stall) == 0:
            stall, self.stall = self.stall, None
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.lease.ended.wait(), stall.params.get("seconds"))
        if self.expire and self.room(self.expire) == 0:
            self.expire = None
            self.world.keeper.expire(self.lease)
        return self.lease.state != "ready"

    def reset(self) -> None:
        """RST, as a host that crashed."""
        self.record.aborted = True
        transport = self.request.transport
        if transport is not None:
            sock = transport.get_extra_info("socket")
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
            transport.abort()

    def enter_manifest(self) -> None:
        file = self.device.file
        disk = file.kind == "disk"
        self.record.sha1 = self.sha1.hexdigest()
        self.lease.manifest[self.device.key] = ManifestEntry(
            key=self.device.key,
            size=self.moved,
            sha1=self.sha1.hexdigest(),
            sha256=self.sha256.hexdigest() if self.wants_sha256 else "",
            disk=disk,
            capacity=file.capacity if disk else None,
            populated_size=self.moved if disk else None,
        )

    @contextlib.contextmanager
    def cut_with_lease(self) -> Iterator[None]:
        """The host cuts the stream when the lease ends."""
        self.lease.cutters.add(self.reset)
        try:
            yield
        finally:
            self.lease.cutters.discard(self.reset)


class _Download(_Stream):
    """One GET."""

    async def run(self) -> web.StreamResponse:
        """Sends the file, or what a fault makes of it."""
        if self.world.faults.take("html", self.name):
            return web.Response(body=LOGIN_PAGE, content_type="text/html")
        raw = self.cut is not None and self.cut.params.get("how") == "close_delimited"
        response = await self._start(raw)
        if self.world.faults.take("empty", self.name):
            self.enter_manifest()
            await response.write_eof()
            return response
        flip = self.world.faults.take("flip", self.name)
        with self.cut_with_lease():
            for piece in self._content():
                if not await self._send(response, piece, flip, raw):
                    self.enter_manifest()
                    return await self._stop_short(response)
        self.enter_manifest()
        if raw:
            self._transport().close()
            return _GONE
        await response.write_eof()
        return response

    async def _start(self, raw: bool) -> web.StreamResponse:
        file = self.device.file
        self.record.status = 200
        response = web.StreamResponse(headers={"Content-Type": "application/x-vnd.vmware-streamVmdk"})
        if raw:
            self._transport().write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            return response
        if file.kind == "disk":
            response.enable_chunked_encoding()
        elif not self.cut:
            response.content_length = file.capacity
        await response.prepare(self.request)
        return response

    def _content(self) -> Iterator[bytes]:
        file = self.device.file
        if file.kind != "disk":
            yield random.Random(file.seed).randbytes(file.capacity)
            return
        # As seen on a real host: two exports of one disk differ in the content ID.
        cid = file.seed if self.world.options.stable_streams else secrets.randbits(32)
        yield from vmdk.stream(file.capacity, file.stream_size, file.seed, cid & 0xFFFFFFFF)

    async def _send(
        self, response: web.StreamResponse, piece: bytes, flip: Fault | None, raw: bool
    ) -> bool:
        step = min(len(piece), max(4096, int(self.rate / 20))) if self.rate else len(piece)
        view = memoryview(piece)
        while view:
            limits = [self.room(self.cut), self.room(self.stall), self.room(self.expire)]
            size = min([step, len(view), *[limit for limit in limits if limit]])
            if await self.strike() or self.room(self.cut) == 0:
                return False
            data, view = bytes(view[:size]), view[size:]
            start = self.moved
            self.hash(data)
            if flip and start <= int(flip.params["offset"]) < start + len(data):
                changed = bytearray(data)
                changed[int(flip.params["offset"]) - start] ^= 0xFF
                data = bytes(changed)
            await self._write(response, data, raw)
            self.record.bytes_sent = self.moved
            await self.keep_pace()
        return True

    async def _write(self, response: web.StreamResponse, data: bytes, raw: bool) -> None:
        if not raw:
            await response.write(data)
            return
        self._transport().write(data)
        await self.request.protocol._drain_helper()

    async def _stop_short(self, response: web.StreamResponse) -> web.StreamResponse:
        self.record.aborted = True
        how = self.cut.params.get("how", "reset") if self.cut else "reset"
        if how == "end":
            await response.write_eof()
            return response
        if how == "reset":
            self.reset()
        else:
            self._transport().close()
        return _GONE

    def _transport(self) -> Any:
        transport = self.request.transport
        if transport is None:
            raise ConnectionResetError
        return transport


class _Upload(_Stream):
    """One POST or PUT."""

    async def run(self) -> web.StreamResponse:
        """Receives the file, as strict as real hosts were seen to be."""
        refusal = self._refusal()
        if refusal is not None:
            return refusal
        head = b""
        with self.cut_with_lease():
            async for data in self.request.content.iter_any():
                head = (head + data)[:4] if len(head) < 4 else head
                self.hash(data)
                self.record.bytes_received = self.moved
                if await self.strike():
                    self.reset()
                    return _GONE
                if self.cut and self.room(self.cut) == 0:
                    self.reset()
                    return _GONE
                await self.keep_pace()
        if self.device.file.kind == "disk" and head != b"KDMV":
            return web.Response(status=500)
        self.enter_manifest()
        self.device.file.received = (self.moved, self.sha1.hexdigest())
        return web.Response(status=201 if self.request.method == "PUT" else 200)

    def _refusal(self) -> web.Response | None:
        request = self.request
        overwrites = request.headers.get("Overwrite", "").lower() == "t"
        if self.lease.kind != "import":
            return web.Response(status=405, text="this lease is an export")
        if request.content_length is None:
            return web.Response(status=500)
        if request.method == "PUT" and not overwrites:
            return web.Response(status=403)
        if request.method == "POST" and self.device.create:
            return web.Response(status=405)
        wrong = request.content_type == "application/octet-stream"
        if self.device.file.kind == "disk" and wrong:
            return web.Response(status=500)
        return None
