"""The process: listeners, the line that tells where they are, and the end."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import secrets
import signal
import socket
import ssl
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from aiohttp import web

import nfclease.simulator.server.handlers  # noqa: F401 - they register themselves
from nfclease.simulator.faults import Faults
from nfclease.simulator.inventory.inventory import Inventory
from nfclease.simulator.lease.nfc import DataPlane
from nfclease.simulator.options import Options
from nfclease.simulator.recorder import Recorder
from nfclease.simulator.server import certificates
from nfclease.simulator.server.certificates import Certificate
from nfclease.simulator.server.control import Control
from nfclease.simulator.server.endpoint import Endpoint, service_versions
from nfclease.simulator.server.wsdl import Wsdl
from nfclease.simulator.world import World

_OTHER_LOOPBACK = "127.0.0.2"


class Listener:
    """An address with a certificate and an application behind it."""

    def __init__(self, world: World, name: str, host: str, port: int) -> None:
        self.world = world
        self.name = name
        self.host = host
        self.socket: socket.socket = _bind(host, port)
        self.port: int = self.socket.getsockname()[1]
        self.certificate: Certificate | None = None
        #: The listener of the deviceUrls, which faults mean when they name none.
        self.named = False
        self.data: DataPlane = DataPlane(world, name)
        self.app: web.Application = web.Application(client_max_size=64 << 20)
        self.app.add_routes(self.data.routes())
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://{_in_url(self.host)}:{self.port}"

    async def start(self) -> None:
        """Serves."""
        self._runner = web.AppRunner(
            self.app,
            handler_cancellation=True,
            access_log=None,
            shutdown_timeout=0.2,
            keepalive_timeout=300,
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self.socket, ssl_context=self._context()).start()

    async def stop(self) -> None:
        """Ends every connection."""
        if self._runner is not None:
            await self._runner.cleanup()
        self.socket.close()

    def _context(self) -> ssl.SSLContext | None:
        if self.certificate is None:
            return None
        wrong = certificates.self_signed(self.host).context
        context = self.certificate.context

        def choose(connection: Any, server_name: str | None, _: ssl.SSLContext) -> None:
            faults = self.world.faults
            if faults.take("wrong_certificate", {"listener": self.name}, self.named) is not None:
                connection.context = wrong

        context.sni_callback = choose
        return context


class Server:
    """A simulator in this process."""

    def __init__(self, options: Options, folder: Path) -> None:
        # People type it after a flag of a command: it must not begin with "-".
        options.password = options.password or secrets.token_hex(12)
        self.options = options
        world = World(options, Faults(), Recorder())
        self.world: World = world
        self.vcenter: Listener = Listener(world, "vcenter", options.host, options.port)
        self.disks: Listener = Listener(
            world, "host", options.disk_host or _other_host(options.host), 0
        )
        self.token: str = secrets.token_urlsafe(24)
        self.ca_file: Path = folder / "ca.pem"
        if options.tls:
            self.vcenter.certificate = certificates.issued(options.host, self.ca_file)
            self.disks.certificate = certificates.self_signed(self.disks.host)
            if options.client_ca:
                context = self.vcenter.certificate.context
                context.load_verify_locations(options.client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
        self._point()
        self.inventory: Inventory = Inventory(world)
        self._route()

    def _point(self) -> None:
        """Says where the data of leases is."""
        world, at = self.world, self.vcenter if self.options.esx else self.disks
        at.named = True
        world.data_url = at.url
        if self.options.esx:  # a host that cannot know by which name it was reached
            world.data_url = world.data_url.replace(f"//{_in_url(at.host)}:", "//*:", 1)
        if at.certificate is not None:
            world.data_thumbprint = at.certificate.sha1
            world.data_certificate = at.certificate.pem
        self.vcenter.data.other_url, self.disks.data.other_url = self.disks.url, self.vcenter.url

    def _route(self) -> None:
        endpoint = Endpoint(self.world)
        control = Control(self.world, self.inventory, self.token)
        versions, wsdl = service_versions(self.world), Wsdl(self.world)
        documents = {
            "vimServiceVersions.xml": lambda: versions,
            "vimService": lambda: wsdl.service(self.vcenter.url),
            "vimService.wsdl": lambda: wsdl.service(self.vcenter.url),
            "vim.wsdl": wsdl.interface,
            "vim-types.xsd": wsdl.types,
        }

        async def get_document(request: web.Request) -> web.Response:
            text = documents[request.path.rpartition("/")[2]]()
            return web.Response(text=text, content_type="text/xml")

        self.vcenter.app.add_routes(
            [
                web.post("/sdk", endpoint.post),
                web.post("/sdk/", endpoint.post),
                web.post("/sdk/vimService", endpoint.post),
                *(web.get(f"/sdk/{name}", get_document) for name in documents),
                web.post("/control", control.post),
            ]
        )

    def about(self) -> dict[str, Any]:
        """The line that is printed when the server is ready."""
        vcenter, disks = self.vcenter.certificate, self.disks.certificate
        return {
            "url": f"{self.vcenter.url}/sdk",
            "host": self.options.host,
            "port": self.vcenter.port,
            "user": self.options.user,
            "password": self.options.password,
            "ca_file": str(self.ca_file) if vcenter else None,
            "thumbprint_sha1": vcenter.sha1 if vcenter else None,
            "thumbprint_sha256": vcenter.sha256 if vcenter else None,
            "disk_host": self.disks.host,
            "disk_port": self.disks.port,
            "disk_thumbprint_sha1": disks.sha1 if disks else None,
            "disk_thumbprint_sha256": disks.sha256 if disks else None,
            "control_url": f"{self.vcenter.url}/control",
            "control_token": self.token,
            "pid": os.getpid(),
            "vms": self.inventory.names(),
        }

    async def start(self) -> None:
        """Serves on both listeners."""
        await self.vcenter.start()
        await self.disks.start()

    async def stop(self) -> None:
        """Ends all that runs."""
        for task in list(self.world.background):
            task.cancel()
        await asyncio.gather(self.vcenter.stop(), self.disks.stop())


async def serve(options: Options) -> None:
    """Serves until standard input ends, or a signal comes."""
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    if sys.platform != "win32":  # no loop takes signals there; Ctrl-C raises, and ends it too
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory(prefix="nfclease-simulator-") as folder:
        server = Server(options, Path(folder))
        await server.start()
        try:
            print(json.dumps(server.about()), flush=True)
            if options.watch_stdin:
                _watch_stdin(loop, stop)
            await stop.wait()
        finally:
            await server.stop()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """A thread, for standard input may be a file, which no selector takes."""

    def watch() -> None:
        try:
            while os.read(sys.stdin.fileno(), 4096):
                pass
        except (OSError, ValueError):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, daemon=True).start()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def _other_host(host: str) -> str:
    """A second loopback address, where the system has one."""
    try:
        _bind(_OTHER_LOOPBACK, 0).close()
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        return host
    return _OTHER_LOOPBACK


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
