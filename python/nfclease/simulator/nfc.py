"""The data plane: what is behind the deviceUrls."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from nfclease.simulator.lease_view import LeaseFile
from nfclease.simulator.leases import Lease
from nfclease.simulator.recorder import Transfer
from nfclease.simulator.streams import Ended, Stream
from nfclease.simulator.vmdk import header_capacity
from nfclease.simulator.wire import CutError, RawBody, reset
from nfclease.simulator.world import World

VMDK = "application/x-vnd.vmware-streamVmdk"
OTHER = "application/octet-stream"
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
        refused = self._refused(request, record)
        if refused is not None:
            return refused
        stream = Stream(self.world, lease, file, record, request.transport)
        with _cuttable(lease, request.transport, record):
            if request.method in ("POST", "PUT"):
                return await self._upload(request, lease, file, stream)
            if request.method == "GET" and lease.kind == "export":
                return await self._download(request, file, stream)
        return web.Response(status=405)

    def _refused(self, request: web.Request, record: Transfer) -> web.Response | None:
        facts = {
            "disk": record.disk,
            "lease": record.lease,
            "method": record.method,
            "listener": self.listener,
        }
        take = self.world.faults.take
        if (params := take("status", facts)) is not None:
            return _last_word(
                params.get("code", 503), params.get("body", ""), params.get("headers", {})
            )
        if (params := take("redirect", facts)) is not None:
            location = params.get("location") or self.other_url + request.raw_path
            return _last_word(params.get("code", 302), "", {"Location": location})
        if (params := take("html", facts)) is not None:
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
        kind = VMDK if content else OTHER
        response = web.StreamResponse(headers={"Content-Type": kind})
        body: Any = response
        await stream.spring()
        if stream.cut and stream.how == "close_delimited":
            body = RawBody(request, kind)
        else:
            if content is None:
                response.content_length = file.file.size
            await response.prepare(request)
        stream.record.status = 200
        total = file.file.size
        try:
            for chunk in self._content(file):
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

    async def _upload(
        self, request: web.Request, lease: Lease, file: LeaseFile, stream: Stream
    ) -> web.StreamResponse:
        status = _upload_refusal(request, lease, file)
        if status is not None:
            return _last_word(status, "", {})
        stream.record.status = 200 if request.method == "POST" else 201
        checked = False
        try:
            await stream.spring()
            async for data in request.content.iter_any():
                await stream.receive(data)
                if file.file.disk and not checked and len(stream.head) >= 4:
                    checked = True
                    if stream.head[:4] != b"KDMV":
                        stream.record.status = 500
                        return _last_word(500, "", {})
        except Ended:
            stream.publish()
            return _last_word(stream.record.status, "", {})
        except BaseException:
            if stream.size:
                stream.publish()
            raise
        stream.publish()
        self._keep(file, stream)
        return web.Response(status=stream.record.status)

    @staticmethod
    def _keep(file: LeaseFile, stream: Stream) -> None:
        kept = file.file
        kept.size, kept.received = stream.size, (stream.size, stream.record.sha1 or "")
        if kept.disk:
            kept.capacity = header_capacity(stream.head) or kept.capacity


def _upload_refusal(request: web.Request, lease: Lease, file: LeaseFile) -> int | None:
    """The status that refuses an upload as a host does; None if it is welcome."""
    if lease.kind != "import" or (request.method == "POST" and file.create):
        return 405
    if request.method == "PUT" and request.headers.get("Overwrite", "").lower() != "t":
        return 403
    wrong_type = file.file.disk and request.content_type == OTHER
    if request.content_length is None or "chunked" in _framing(request) or wrong_type:
        return 500
    return None


def _framing(request: web.Request) -> str:
    return request.headers.get("Transfer-Encoding", "").lower()


def _last_word(status: int, body: str, headers: dict[str, str]) -> web.Response:
    """A response after which the connection ends: there may be a body that nobody reads."""
    response = web.Response(status=status, text=body, headers=headers)
    response.force_close()
    return response


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
