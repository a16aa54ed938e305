"""Endings of connections that HTTP libraries do not offer."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from aiohttp import web

_HIGH_WATER = 1 << 20


class CutError(ConnectionError):
    """The connection of this request was ended on purpose."""


def reset(transport: Any) -> None:
    """Ends a connection with RST; what is still in the buffers is lost."""
    if transport is None:
        return
    try:
        raw = transport.get_extra_info("socket")
    except AttributeError:  # asyncio's TLS transport, when its connection is lost already
        return
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def flushed(transport: Any, left: int = 0) -> None:
    """Waits until at most so many bytes wait to be sent; asyncio has no event for that."""
    while transport is not None and transport.get_write_buffer_size() > left:
        await asyncio.sleep(0.001)  # noqa: ASYNC110
        if transport.is_closing():
            raise CutError


async def fin(transport: Any) -> None:
    """Ends TCP without ending TLS, when everything is sent."""
    await flushed(transport)
    raw = transport.get_extra_info("socket") if transport else None
    if raw is not None and raw.fileno() >= 0:
        raw.shutdown(socket.SHUT_WR)
        await asyncio.sleep(0.05)
        transport.abort()


def drop(request: web.Request) -> web.Response:
    """Ends the connection with no answer; the response goes nowhere."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def last_word(status: int, body: str = "", headers: dict[str, str] | None = None) -> web.Response:
    """A response after which the connection ends: there may be a body that nobody reads."""
    response = web.Response(status=status, text=body, headers=headers)
    response.force_close()
    return response


class RawBody:
    """A response that is neither chunked nor has a length: its end is the connection's."""

    def __init__(self, request: web.Request, content_type: str) -> None:
        transport: Any = request.transport
        self._transport = transport
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n"
        self._transport.write(head.encode())

    async def write(self, data: bytes) -> None:
        """Sends, and waits while too much is under way."""
        if self._transport.is_closing():
            raise CutError
        self._transport.write(data)
        await flushed(self._transport, _HIGH_WATER)

    async def write_eof(self) -> None:
        """Ends it well."""
        self._transport.close()
