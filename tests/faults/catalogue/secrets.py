"""P18 and on: secrets where a server, a proxy or a web server could have them told."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from nfclease import HttpStatusError

from ...support.listener import Listener
from ...support.packages import ova, package
from ...support.web import serving
from ..harness import secrets
from ..harness.case import EXPORTS, IMPORTS, case
from ..harness.hosts import raw_host
from ..harness.world import World

PROXY_LOGIN = "cHJveHktdXNlcjpwcm94eS1jYW5hcnktNzcx"
TOKEN = "token-canary-5ba1d3"
LOGIN = "web-canary-77f0"


def _echoed(world: World) -> int:
    """A host whose page has the request that it refuses."""

    def talk(connection: ssl.SSLSocket, head: bytes) -> None:
        start = b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n" % len(head)
        connection.sendall(start + head)

    raw_host(world, talk)
    return 403


def _by_proxy(world: World) -> int:
    """A proxy that tunnels to vCenter, and refuses the way to the disks with what it was asked."""
    world.secrets[PROXY_LOGIN] = "the proxy's login"
    proxy = _Proxy(world.simulator.disk_port)
    world.stack.callback(proxy.close)
    world.service._stub.DropConnections()
    headers = {"Proxy-Authorization": f"Basic {PROXY_LOGIN}"}
    world.connect = lambda: world.simulator.connect(
        httpProxyHost="127.0.0.1", httpProxyPort=proxy.port, customHeaders=headers
    )
    world.open_session()
    return 407


class _Proxy(Listener):
    """Tunnels, but not to one port: there it says what it was asked.

    Args:
        refused: The port.
    """

    def __init__(self, refused: int) -> None:
        self._refused = f":{refused} ".encode()
        self._ended = threading.Event()
        super().__init__(self._answer)

    def close(self) -> None:
        """Ends all tunnels."""
        self._ended.set()
        super().close()

    def _answer(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (data := client.recv(4096)):
                return
            head += data
        line = head.partition(b"\r\n")[0]
        if self._refused in line:
            start = b"HTTP/1.1 407 Login Needed\r\nContent-Length: %d\r\n\r\n" % len(head)
            client.sendall(start + head)
            return
        host, _, port = line.split()[1].decode().rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port))) as server:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            self._tunnel(client, server)

    def _tunnel(self, client: socket.socket, server: socket.socket) -> None:
        while not self._ended.is_set():
            for ready in select.select([client, server], [], [], 0.1)[0]:
                if not (data := ready.recv(65536)):
                    return
                (server if ready is client else client).sendall(data)


PLACES: dict[str, Callable[[World], int]] = {"host": _echoed, "proxy": _by_proxy}


@case(
    "P18",
    "a host, or the session's proxy, whose page has the ticket or login that it was sent",
    "HttpStatusError without them; of every case besides, no text, log record, pickle, file or "
    "command line has one",
    faces=EXPORTS,
    variants=PLACES,
)
def echoed(world: World, place: Callable[[World], int]) -> None:
    status = place(world)
    with world.fails(HttpStatusError, status=status):
        world.job()


@case(
    "P21",
    "a package at an address with a login and a token, which the web server refuses",
    "HttpStatusError without them",
    faces=IMPORTS,
)
def token_in_an_address(world: World) -> None:
    world.secrets.update({TOKEN: "a token in a URL", LOGIN: "a login in a URL"})
    web = world.stack.enter_context(
        serving({"demo.ova": ova(package())}, world.folder, statuses=[403] * 20)
    )
    address = web.url("demo.ova").replace("https://", f"https://me:{LOGIN}@")
    world.package = f"{address}?token={TOKEN}"  # type: ignore[assignment]
    with world.fails(HttpStatusError, status=403, ends=()):
        world.job(ca_file=web.ca_file)


@case(
    "P22",
    "a run with a journal and a report, whose host refuses with what it was asked",
    "the job fails, and neither journal nor report has a secret",
    faces=("fleet",),
)
def journal(world: World) -> None:
    from nfclease import fleet

    _echoed(world)
    path = world.folder / "kept" / "journal"
    path.parent.mkdir()
    fleet.register_session("canaries", world.connect)
    job: Any = fleet.ExportJob(
        "canaries", world.vm.name, f"{world.target}/{{vm}}.ova", world.options
    )
    summary = fleet.run([job], retries=0, blocked_timeout=0, check=False, journal=path)
    world.failed = True
    world.wanted.append(("Abort",))
    world.expect(summary.outcomes[0].failure is not None, "the job failed")
    world.texts += [str(summary), repr(summary), *map(repr, summary.outcomes)]
    kept = secrets.in_files(path.parent)
    world.expect(kept, "there is a journal")
    world.pickles += kept
