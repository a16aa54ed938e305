"""H22: a host that shows a certificate whose key it does not have."""

from __future__ import annotations

import contextlib
import socket
import ssl

from nfclease import TlsError
from nfclease.simulator.server.certificates import Certificate, self_signed

from ...support.listener import Listener
from ..harness.case import FACES, case
from ..harness.world import DISK, World

#: Of a record, and of a message of the handshake.
_HANDSHAKE, _CERTIFICATE = 22, 11


class StolenHost(Listener):
    """Shows one certificate, and signs with the key of another.

    In TLS 1.2 the certificate goes over in the clear, so it can be put in the place of the one that
    OpenSSL would show; OpenSSL itself refuses a key that does not fit. The core's own tests do the
    same in TLS 1.3.

    Args:
        shown: What it shows.

    Attributes:
        shakes: How many handshakes were begun.
        read: Bytes that came through TLS.
    """

    def __init__(self, shown: Certificate) -> None:
        self._shown = ssl.PEM_cert_to_DER_cert(shown.pem)
        self._context = self_signed("127.0.0.1").context
        self._context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.shakes = self.read = 0
        super().__init__(self._shake)

    def _shake(self, client: socket.socket) -> None:
        heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = self._context.wrap_bio(heard, said, server_side=True)
        is_first = True
        while data := client.recv(65536):
            heard.write(data)
            with contextlib.suppress(ssl.SSLWantReadError):
                session.do_handshake()
                self.read += len(session.read(65536))
            if answer := said.read():
                self.shakes += is_first
                client.sendall(self._swapped(answer) if is_first else answer)
                is_first = False

    def _swapped(self, flight: bytes) -> bytes:
        """The same messages, with the stolen certificate, a record for each."""
        messages = b""
        while flight:
            length = int.from_bytes(flight[3:5], "big")
            assert flight[0] == _HANDSHAKE
            version, messages, flight = (
                flight[1:3],
                messages + flight[5 : 5 + length],
                flight[5 + length :],
            )
        made = b""
        while messages:
            kind, length = messages[0], int.from_bytes(messages[1:4], "big")
            body, messages = messages[4 : 4 + length], messages[4 + length :]
            if kind == _CERTIFICATE:
                one = _counted(self._shown)
                body = _counted(one)
            message = bytes([kind]) + _counted(body)
            made += bytes([_HANDSHAKE]) + version + len(message).to_bytes(2, "big") + message
        return made


def _counted(data: bytes) -> bytes:
    return len(data).to_bytes(3, "big") + data


@case(
    "H22",
    "a thumbprint that is right, of a certificate whose key the host does not have",
    "TlsError, not tried again, and no byte of a request",
    faces=tuple(face for face in FACES if face != "import_vapp"),
)
def stolen_certificate(world: World) -> None:
    shown = self_signed("127.0.0.1")
    host = StolenHost(shown)
    world.stack.callback(host.close)
    url = f"https://127.0.0.1:{host.port}/nfc/{'5' * 36}/disk-0.vmdk"
    world.ticket(url)
    world.simulator.inject("device_url", disk=DISK, url=url, sslThumbprint=shown.sha1)
    with world.fails(TlsError, attempts=1):
        world.job()
    world.expect(host.shakes == 1, f"one handshake, not {host.shakes}")
    world.expect(host.read == 0, f"no byte came through TLS, not {host.read}")
