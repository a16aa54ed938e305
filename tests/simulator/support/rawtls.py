"""A GET below ``ssl.SSLSocket``, which cannot tell a reset from an end."""

from __future__ import annotations

import contextlib
import socket
import ssl
from urllib.parse import urlsplit


class RawTls:
    """A TLS connection whose every ending can be told.

    Attributes:
        ending: ``closed`` (close_notify came), ``fin`` (it did not), ``reset``, or empty.
    """

    def __init__(self, host: str, port: int) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out)
        self._socket = socket.create_connection((host, port), timeout=10)
        self.ending = ""
        while not self.ending:
            with contextlib.suppress(ssl.SSLWantReadError):
                self._tls.do_handshake()
                break
            self._exchange()
        self._exchange(read=False)

    def __enter__(self) -> RawTls:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._tls.write(data)
        self._exchange(read=False)

    def receive(self) -> bytes:
        """What comes next; nothing when the connection has ended."""
        while not self.ending:
            with contextlib.suppress(ssl.SSLWantReadError):
                data = self._tls.read(1 << 16)
                if not data:
                    self.ending = "closed"
                return data
            self._exchange()
        return b""

    def _exchange(self, read: bool = True) -> None:
        if self._out.pending:
            self._socket.sendall(self._out.read())
        if not read:
            return
        try:
            data = self._socket.recv(1 << 16)
        except ConnectionResetError:
            self.ending = "reset"
            return
        self.ending = "" if data else "fin"
        self._in.write(data)


def raw_get(url: str) -> tuple[bytes, str]:
    """All bytes of an answer as they come, headers included, and how the connection ended."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    received = b""
    with RawTls(parts.hostname, parts.port) as connection:
        head = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.hostname}\r\nConnection: close\r\n\r\n"
        connection.send(head.encode())
        while data := connection.receive():
            received += data
        return received, connection.ending
