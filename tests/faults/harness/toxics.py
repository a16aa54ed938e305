"""toxiproxy between the product and a server: a process that spoils TCP as it is told."""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...peers.build import GoMissingError, build
from .world import World


def needs_toxiproxy() -> str:
    """Why toxiproxy cannot run here; empty where it can."""
    try:
        build()
    except (GoMissingError, subprocess.CalledProcessError) as error:
        return f"toxiproxy is not built: {error}"
    return ""


class Toxiproxy:
    """A proxy before a server, on a port of the loopback.

    Args:
        world: Whose case it ends with.
        host: Of the server.
        port: Of the server.

    Attributes:
        port: Where the proxy listens.
    """

    def __init__(self, world: World, host: str, port: int) -> None:
        self._process = subprocess.Popen(
            [str(build() / "toxiproxy")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        world.stack.callback(self._end)
        assert self._process.stdout is not None
        self._api = json.loads(self._process.stdout.readline())["api"]
        proxy = {"name": "server", "listen": "127.0.0.1:0", "upstream": f"{host}:{port}"}
        made = self._ask("POST", "/proxies", proxy)
        #: What a proxy that was down listens on again.
        self._listen = made["listen"]
        self.port = int(self._listen.rpartition(":")[2])

    @classmethod
    def before_the_host(cls, world: World) -> Toxiproxy:
        """One before the host that has the disks, to which the addresses of all disks lead."""
        simulator = world.simulator
        proxy = cls(world, simulator.disk_host, simulator.disk_port)
        simulator.inject("device_url", netloc=f"127.0.0.1:{proxy.port}")
        return proxy

    @classmethod
    def before_vcenter(cls, world: World) -> Toxiproxy:
        """One before vCenter: the session of the case is opened anew, through it."""
        simulator = world.simulator
        proxy = cls(world, simulator.host, simulator.port)
        world.service._stub.DropConnections()
        world.connect = lambda: simulator.connect(port=proxy.port)
        world.open_session()
        return proxy

    def add(self, kind: str, upload: bool = False, /, **attributes: int) -> None:
        """Puts a toxic in place, for what goes to the client or, of an upload, to the server."""
        stream = "upstream" if upload else "downstream"
        toxic = {"name": kind, "type": kind, "stream": stream, "attributes": attributes}
        self._ask("POST", "/proxies/server/toxics", toxic)

    def remove(self, kind: str) -> None:
        """Takes it away again."""
        self._ask("DELETE", f"/proxies/server/toxics/{kind}")

    @contextmanager
    def down(self) -> Iterator[None]:
        """Ends all connections and refuses new ones, for the length of a block."""
        self._ask("POST", "/proxies/server", {"enabled": False})
        yield
        # Its port is asked for by name: another one would be chosen for port 0.
        self._ask("POST", "/proxies/server", {"enabled": True, "listen": self._listen})

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        api = http.client.HTTPConnection(self._api, timeout=10)
        try:
            api.request(method, path, json.dumps(body) if body is not None else None)
            answer = api.getresponse()
            text = answer.read()
        finally:
            api.close()
        if answer.status >= 300:
            raise RuntimeError(f"toxiproxy: {method} {path}: {answer.status} {text[:200]!r}")
        return json.loads(text) if text else None

    def _end(self) -> None:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
