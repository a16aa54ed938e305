"""The data plane: what is behind the deviceUrls."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from nfclease.simulator.lease.files import LeaseFile
from nfclease.simulator.lease.lease import Lease
from nfclease.simulator.lease.streams import Ended, Stream
from nfclease.simulator.lease.uploads import OCTETS, take_upload
from nfclease.simulator.lease.wire import CutError, RawBody, last_word, reset
from nfclease.simulator.recorder import Transfer
from nfclease.simulator.world import World

VMDK = "application/x-vnd.vmware-streamVmdk"
_CHUNK = 512 << 10
_PAGE = "<!DOCTYPE html><html><body><h1>Service Unavailable</h1></body></html>\n"


class DataPlane:
    """``/nfc/<ticket>/<name>`` of one listener."""

    def __init__(self, world: World, listener: str) -> None:
        self.world = world
        self.listener = listener
        self.other_url = ""

    def routes(self) -> list[web.RouteDef]:
        """Where it is in the listener's URLs; ESXi says ``ha-nfc``."""
        return [
            web.route("*", f"/{folder}/{{ticket}}/{{name}}", self.handle)
            for folder in ("nfc", "ha-nfc")
        ]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers one data request, and records it to its end."""
        lease = self._lease(request.match_info["ticket"])
        file = lease.file_of(request.match_info["name"]) if lease else None
        record = self.world.recorder.transfer(
            listener=self.listener,
            method=request.method,
            path=request.raw_path,
            headers=dict(request.headers),
            lease=lease.moid if lease else "",
            disk=file.known_as if file else "",
        )
        try:
            response = await self._respond(request, lease, file, record)
        except (asyncio.CancelledError, ConnectionError):
            record.aborted = True
            raise
        else:
            record.status = record.status or response.status
            return response
        finally:
            record.ended = time.monotonic()

    def _lease(self, ticket: str) -> Lease | None:
        for managed in self.world.objects.values():
            if isinstance(managed, Lease) and managed.ticket == ticket:
                return managed
        return None

    async def _respond(
        self, request: web.Request, lease: Lease | None, file: LeaseFile | None, record: Transfer
    ) -> web.StreamResponse:
        if lease is None or file is None:
            return web.Response(status=404)
        refused = await self._refused(request, record)
        if refused is not None:
            return refused
        stream = Stream(self.world, lease, file, record, request.transport)
        with _cuttable(lease, request.transport, record):
            if request.method in ("POST", "PUT"):
                return await take_upload(request, lease, file, stream, self.world.options)
            if request.method == "GET" and lease.kind == "export":
                return await self._download(request, file, stream)
        return web.Response(status=405)

    async def _refused(self, request: web.Request, record: Transfer) -> web.Response | None:
        facts = record.facts()
        take = self.world.faults.take
        if (params := take("status", facts)) is not None:
            return last_word(
                params.get("code", 503), params.get("body", ""), params.get("headers", {})
            )
        if (params := take("redirect", facts)) is not None:
            location = params.get("location") or self.other_url + request.raw_path
            return last_word(params.get("code", 302), "", {"Location": location})
        if (params := take("html", facts)) is not None:
            if params.get("after"):
                await _swallow(request, record)
            return web.Response(text=params.get("body", _PAGE), content_type="text/html")
        if (params := take("empty", facts)) is not None:
            response = web.Response(body=b"\0" * params.get("size", 0), content_type=VMDK)
            response.enable_chunked_encoding()
            return response
        return None

    async def _download(
        self, request: web.Request, file: LeaseFile, stream: Stream
    ) -> web.StreamResponse:
        content = file.file.content
        kind = VMDK if content else OCTETS
        response = web.StreamResponse(headers={"Content-Type": kind})
        body: Any = response
        chunks = self._content(file)
        try:
            await stream.spring()
        except Ended:  # before the first byte, but well
            chunks = iter(())
        if stream.cut and stream.how == "close_delimited":
            body = RawBody(request, kind)
        else:
            if content is None:
                response.content_length = file.file.size
            await response.prepare(request)
        stream.record.status = 200
        total = file.file.size
        try:
            for chunk in chunks:
                await stream.send(chunk, body.write, total)
        except Ended:
            stream.publish()
        except BaseException:
            stream.publish()
            raise
        if body is response and content is None and stream.size < total:
            reset(request.transport)  # a length cannot end early and well
        else:
            await body.write_eof()
        return response

    def _content(self, file: LeaseFile) -> Iterator[bytes]:
        content = file.file.content
        if content is None:
            return iter((file.file.small_content(),))
        stable = self.world.options.stable_streams
        content_id = 0xFFFFFFFE if stable else self.world.random.getrandbits(32)
        pace = self.world.bandwidth
        return content.chunks(content_id, _CHUNK if not pace else min(_CHUNK, 64 << 10))


async def _swallow(request: web.Request, record: Transfer) -> None:
    """Reads a body to its end and keeps nothing of it, as a proxy may."""
    async for data in request.content.iter_any():
        record.bytes_received += len(data)


@contextlib.contextmanager
def _cuttable(lease: Lease, transport: Any, record: Transfer) -> Iterator[None]:
    """Lets the end of the lease end the transfer."""

    def cut() -> None:
        record.aborted = True
        reset(transport)

    lease.transfers.add(cut)
    try:
        yield
    finally:
        lease.transfers.discard(cut)


__all__ = ["CutError", "DataPlane"]
