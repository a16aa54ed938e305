"""Another address of a host: a port on this machine, from which all bytes go on to it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


class Forwarder:
    """Listens once for each host that is asked for.

    Attributes:
        connections: How many came.
    """

    def __init__(self) -> None:
        self.connections = 0
        self._listeners: dict[tuple[str, int], socket.socket] = {}
        self._open: list[socket.socket] = []

    def url(self, url: str) -> str:
        """The same URL, by way of here."""
        parts = urlsplit(url)
        target = (parts.hostname or "", parts.port or 443)
        if target not in self._listeners:
            listener = socket.create_server(("127.0.0.1", 0))
            self._listeners[target] = listener
            self._start(self._accept, listener, target)
        port = self._listeners[target].getsockname()[1]
        return parts._replace(netloc=f"localhost:{port}").geturl()

    def close(self) -> None:
        for each in [*self._listeners.values(), *self._open]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _start(self, function: object, *args: object) -> None:
        threading.Thread(target=function, args=args, daemon=True).start()  # type: ignore[arg-type]

    def _accept(self, listener: socket.socket, target: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = listener.accept()
                there = socket.create_connection(target)
                self.connections += 1
                self._open += [here, there]
                self._start(_pour, here, there)
                self._start(_pour, there, here)


def _pour(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def forwarding() -> Iterator[Forwarder]:
    """One for the length of a block."""
    forwarder = Forwarder()
    try:
        yield forwarder
    finally:
        forwarder.close()
