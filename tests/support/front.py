"""A host in front of the simulator's own: it takes an upload, hands it on, and answers as told.

Plain HTTP, one thread for each connection, nothing of a library between it and the socket.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pyVmomi import vim

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Visit:
    """One request of a connection."""

    def __init__(self, front: Front, connection: socket.socket, number: int) -> None:
        self.front = front
        self.connection = connection
        #: Of the connection, from 0.
        self.number = number
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                raise EOFError
            head += byte
        first, *lines = head.decode().strip().split("\r\n")
        self.method, self.path, _ = first.split(" ")
        self.headers = dict(line.split(": ", 1) for line in lines)
        self.length = int(next(v for k, v in self.headers.items() if k.lower() == "content-length"))

    def body(self) -> bytes:
        received = b""
        while len(received) < self.length:
            piece = self.connection.recv(1 << 20)
            if not piece:
                raise EOFError
            received += piece
        return received

    def hand_on(self, body: bytes) -> None:
        """To the host that the lease meant."""
        parts = urlsplit(self.front.targets[self.path])
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        assert parts.hostname is not None
        host = http.client.HTTPSConnection(parts.hostname, parts.port, context=context)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        host.request(self.method, parts.path, body, headers)
        assert host.getresponse().status in (200, 201)
        host.close()

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


class Front:
    """Serves until its block ends; `serve` deals with a request, or hangs up with EOFError."""

    def __init__(self, serve: Callable[[Visit], None]) -> None:
        self.targets: dict[str, str] = {}
        self.visits: list[tuple[int, str]] = []
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []

    def device(self, url: Any) -> Any:
        """The same device, behind this front."""
        path = urlsplit(url.url).path
        self.targets[path] = url.url
        disk = vim.HttpNfcLease.DeviceUrl(key=url.key, importKey=url.importKey, disk=url.disk)
        disk.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}{path}"
        return disk

    def __enter__(self) -> Front:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(30)

    def _start(self, work: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        for number in range(1 << 20):
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self._start(self._connection, connection, number)

    def _connection(self, connection: socket.socket, place: int) -> None:
        with connection, contextlib.suppress(EOFError, OSError):
            for number in range(1 << 20):
                visit = Visit(self, connection, number)
                self.visits.append((place, visit.method))
                self._serve(visit)


def answer(visit: Visit) -> None:
    """As a host does."""
    visit.hand_on(visit.body())
    visit.connection.sendall(OK)
