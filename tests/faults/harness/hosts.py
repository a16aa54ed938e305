"""Hosts that a case puts in the place of the simulator's: they say what they like."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from nfclease.simulator.server.certificates import Certificate, self_signed

from ...support.tls_host import TlsHost
from .world import DISK, World

Talk = Callable[[ssl.SSLSocket, bytes], object]


def raw_host(world: World, talk: Talk, certificate: Certificate | None = None) -> TlsHost:
    """A host of TLS that has the disk, and talks to each connection that has asked for it."""
    shown = certificate or self_signed("127.0.0.1")
    host = TlsHost(shown.context, talk)
    world.stack.callback(host.close)
    url = f"https://127.0.0.1:{host.port}/nfc/{'5' * 36}/disk-0.vmdk"
    world.ticket(url)
    world.simulator.inject("device_url", disk=DISK, url=url, sslThumbprint=shown.sha1)
    return host


def nobodys_host(world: World) -> TlsHost:
    """A host that nobody is to come to."""
    host = TlsHost(self_signed("127.0.0.1").context)
    world.stack.callback(host.close)
    return host


def host_before(world: World, talk: Callable[[ssl.SSLSocket, str], object]) -> TlsHost:
    """A host in front of the one that has the disk, whose address it gets."""
    shown, addresses = self_signed("127.0.0.1"), [""]
    host = TlsHost(shown.context, lambda connection, _: talk(connection, addresses[0]))
    world.stack.callback(host.close)

    def moved(device: Any) -> Any:
        addresses[0] = device.url
        parts = urlsplit(device.url)
        device.url = parts._replace(netloc=f"127.0.0.1:{host.port}").geturl()
        device.sslThumbprint = shown.sha1
        return device

    world.moved = moved
    return host


def saying(*parts: bytes, ends: bool = True) -> Talk:
    """Says these, and ends the connection in order, or keeps it until the client has gone."""

    def talk(connection: ssl.SSLSocket, _: bytes) -> None:
        for part in parts:
            connection.sendall(part)
        if ends:
            with contextlib.suppress(OSError):
                connection.unwrap()
        else:
            until_gone(connection)

    return talk


def endlessly(first: bytes, again: bytes, pause: float = 0.0) -> Talk:
    """Says the first part, and then the other until the client has gone."""

    def talk(connection: ssl.SSLSocket, _: bytes) -> None:
        connection.sendall(first)
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(again)
                time.sleep(pause)

    return talk


def until_gone(connection: socket.socket) -> None:
    """Waits for the client to end the connection."""
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


def fetched(address: str) -> bytes:
    """The body of an address of the simulator's host, whatever its certificate."""
    parts = urlsplit(address)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    assert parts.hostname is not None
    host = http.client.HTTPSConnection(parts.hostname, parts.port, context=context, timeout=30)
    with contextlib.closing(host):
        host.request("GET", parts.path)
        return host.getresponse().read()


class Relay:
    """Hands on bytes between the client and the simulator's host, and spoils them on the way.

    Args:
        world: Whose disk is behind it from now on.
        spoil: Gets each piece on its way to the client, how many bytes were before it on this
            connection, the number of the connection, and both sockets; returns what is handed on.
            OSError ends the connection.
        port: Where it listens; 0 for any.
        listener: Where it listens, if that is not on the loopback.

    Attributes:
        connections: How many there were.
    """

    def __init__(
        self,
        world: World,
        spoil: Callable[[bytes, int, int, socket.socket], bytes],
        port: int = 0,
        listener: socket.socket | None = None,
    ) -> None:
        self._target = (world.simulator.disk_host, world.simulator.disk_port)
        self._spoil = spoil
        self._numbers = itertools.count()
        self.connections = 0
        self._listener = listener or socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)
        world.stack.callback(self.close)
        world.moved = self._moved

    def _moved(self, device: Any) -> Any:
        """The same device, behind this relay."""
        parts = urlsplit(device.url)
        device.url = parts._replace(netloc=f"127.0.0.1:{self.port}").geturl()
        return device

    def close(self) -> None:
        """Ends all connections."""
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, work: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                host = socket.create_connection(self._target)
                self._sockets += [client, host]
                number, self.connections = next(self._numbers), self.connections + 1
                self._start(self._hand_on, client, host, lambda piece, at, n, peer: piece, number)
                self._start(self._hand_on, host, client, self._spoil, number)

    @staticmethod
    def _hand_on(
        source: socket.socket, target: socket.socket, spoil: Callable[..., bytes], number: int
    ) -> None:
        done = 0
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(spoil(piece, done, number, target))
                done += len(piece)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def reset(connection: socket.socket) -> None:
    """Ends it with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    raise ConnectionResetError
