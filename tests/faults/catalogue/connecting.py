"""N: a host that cannot be reached, or only after a while, or by way of somebody else."""

from __future__ import annotations

import os
import socket
import threading
import time

from nfclease import ConnectError, TlsError

from ...support.listener import Listener
from ..harness.case import FACES, LEASES, case
from ..harness.hosts import Relay, nobodys_host
from ..harness.world import DISK, World


@case("N09", "a host that no name server knows", "ConnectError, tried again before", faces=FACES)
def unknown_host(world: World) -> None:
    url = f"https://no-such-host.invalid/nfc/{'6' * 36}/disk-0.vmdk"
    world.ticket(url)
    world.simulator.inject("device_url", disk=DISK, url=url)
    with world.fails(ConnectError):
        world.job()


@case(
    "N10",
    "a host refuses connections for some seconds",
    "it works when it is there again",
    faces=LEASES,
)
def comes_later(world: World) -> None:
    relay = Relay(world, lambda piece, *_: piece)
    relay.close()
    port = relay.port

    def come() -> None:
        time.sleep(2.0)
        later.append(Relay(world, lambda piece, *_: piece, port=port))

    later: list[Relay] = []
    thread = threading.Thread(target=come)
    thread.start()
    world.job(max_retries=8)
    thread.join()
    world.expect(later[0].connections >= 1, "the host was asked when it had come")


class _Handshakes(Listener):
    """A host that ends the handshake, as told."""

    def __init__(self, world: World, answer: bytes) -> None:
        self.asked = 0
        self._answer = answer
        super().__init__(self._end)
        world.stack.callback(self.close)
        url = f"https://127.0.0.1:{self.port}/nfc/{'7' * 36}/disk-0.vmdk"
        world.ticket(url)
        world.simulator.inject("device_url", disk=DISK, url=url)

    def _end(self, connection: socket.socket) -> None:
        connection.recv(4096)
        self.asked += 1
        connection.sendall(self._answer)
        connection.shutdown(socket.SHUT_WR)


HANDSHAKES = {"cut": b"", "refused": b"\x15\x03\x03\x00\x02\x02\x28"}


@case(
    "N14",
    "a handshake of TLS is cut, or refused by an alert",
    "a broken one is tried again, a refused one is a TlsError at once",
    faces=FACES,
    variants=HANDSHAKES,
)
def handshakes(world: World, answer: bytes) -> None:
    host = _Handshakes(world, answer)
    with world.fails(TlsError if answer else ConnectError):
        world.job()
    world.expect(host.asked == (1 if answer else 2), f"{host.asked} handshakes")


@case("N19", "the environment names a proxy", "nobody asks it", faces=FACES)
def proxy_in_the_environment(world: World) -> None:
    host = nobodys_host(world)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        before = os.environ.get(name)
        os.environ[name] = f"http://127.0.0.1:{host.port}"
        world.stack.callback(_restore, name, before)
    world.job()
    world.expect(host.asked == 0, "no connection to the proxy")


def _restore(name: str, before: str | None) -> None:
    if before is None:
        del os.environ[name]
    else:
        os.environ[name] = before
