"""A host on loopback that shows one certificate and answers as told: 404, if nothing is said."""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pyVmomi import SoapAdapter

from .certificates import Certificate
from .listener import Listener
from .versions import NEWEST

_ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class TlsHost(Listener):
    """Speaks TLS at once, or after a CONNECT: then it is a proxy in front of itself.

    Args:
        context: With the certificate.
        answer: What it does with a connection that has asked for something; it gets the head, too.

    Attributes:
        asked: How many requests came through TLS.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        answer: Callable[[ssl.SSLSocket, bytes], object] | None = None,
    ) -> None:
        self._context = context
        self._answer = answer or (lambda connection, _: connection.sendall(_ANSWER))
        self.asked = 0
        super().__init__(self._talk)

    def _talk(self, plain: socket.socket) -> None:
        if plain.recv(1, socket.MSG_PEEK) == b"C":
            _head(plain)
            plain.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with self._context.wrap_socket(plain, server_side=True) as secured:
            if head := _head(secured):
                self.asked += 1
                self._answer(secured, head)


def _head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(4096)
        if not data:
            return b""
        head += data
    return head


@contextmanager
def showing(
    *chain: Certificate,
    versions: Sequence[ssl.TLSVersion] = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3),
    ciphers: str | None = None,
) -> Iterator[TlsHost]:
    """A host with this chain, its own certificate first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = versions[0], versions[-1]
    if ciphers:
        context.set_ciphers(ciphers)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "chain.pem")
        path.write_text(chain[0].key_pem + "".join(each.pem for each in chain))
        context.load_cert_chain(path)
    host = TlsHost(context)
    try:
        yield host
    finally:
        host.close()


def stub_for(host: TlsHost, context: ssl.SSLContext | None, **options: Any) -> Any:
    """A stub that has no connection yet."""
    return SoapAdapter.SoapStubAdapter(
        host="localhost", port=host.port, sslContext=context, version=NEWEST, **options
    )


@contextmanager
def connected_stub(host: TlsHost, context: ssl.SSLContext) -> Iterator[Any]:
    """A stub that has a connection, as after any call, if its context lets it have one."""
    stub = stub_for(host, context)
    with suppress(ssl.SSLError):
        connection = stub.GetConnection()
        if not connection.sock:
            connection.connect()
        stub.ReturnConnection(connection)
    yield stub
    stub.DropConnections()
