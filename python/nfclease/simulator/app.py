"""The two listeners: the vCenter, and the host that has the disks."""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
from pathlib import Path
from typing import Any

from aiohttp import web

from nfclease.simulator import certificates
from nfclease.simulator.control import Control
from nfclease.simulator.dispatch import SoapService
from nfclease.simulator.inventory import populate
from nfclease.simulator.leases import LeaseKeeper
from nfclease.simulator.model import Options, World
from nfclease.simulator.nfc import DataService

#: Far above any SOAP request.
MOST_REQUEST_BYTES = 16 << 20

#: Transfers under way get this long at the end.
SHUTDOWN_TIMEOUT = 0.2


class Application:
    """The simulator of one process."""

    def __init__(self, options: Options) -> None:
        self.world = World(options)
        self.world.keeper = LeaseKeeper(self.world)
        populate(self.world)
        self._soap = SoapService(self.world)
        self._data = DataService(self.world)
        self._control = Control(self.world)
        self._directory = tempfile.TemporaryDirectory(prefix="nfclease-simulator-")
        self._runners: list[web.AppRunner] = []

    async def start(self, host: str, port: int, disk_host: str) -> dict[str, Any]:
        """Listens; returns what a client has to know."""
        directory = Path(self._directory.name)
        tls = self.world.options.tls
        vcenter, ca_file = certificates.vcenter(host, directory)
        disks = certificates.self_signed(disk_host, directory, "esx")
        self._prepare_wrong_certificate(disks, disk_host, directory)
        port = await self._listen(self._vcenter_app(), host, port, vcenter.context if tls else None)
        disk_port = await self._listen(
            self._data_app("host"), disk_host, 0, disks.context if tls else None
        )
        shown = vcenter if self.world.options.esx else disks
        self.world.disk_host = (
            f"{host}:{port}" if self.world.options.esx else f"{disk_host}:{disk_port}"
        )
        if tls:
            self.world.disk_thumbprint = shown.thumbprint("sha1")
            self.world.disk_certificate = shown.pem
        scheme = "https" if tls else "http"
        return {
            "url": f"{scheme}://{host}:{port}/sdk",
            "host": host,
            "port": port,
            "user": self.world.options.user,
            "password": self.world.options.password,
            "ca_file": str(ca_file),
            "thumbprint_sha1": vcenter.thumbprint("sha1"),
            "thumbprint_sha256": vcenter.thumbprint("sha256"),
            "disk_host": disk_host,
            "disk_port": disk_port,
            "disk_thumbprint_sha1": disks.thumbprint("sha1"),
            "disk_thumbprint_sha256": disks.thumbprint("sha256"),
            "control_url": f"{scheme}://{host}:{port}/control",
            "control_token": self._control.token,
            "vms": [machine.name for machine in self.world.machines.values()],
        }

    async def stop(self) -> None:
        """Cuts what is under way and removes the certificates."""
        await self.world.keeper.close()
        for runner in self._runners:
            await runner.cleanup()
        self._directory.cleanup()

    async def _listen(
        self, app: web.Application, host: str, port: int, context: ssl.SSLContext | None
    ) -> int:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, host, port, ssl_context=context, reuse_address=True).start()
        address: tuple[Any, ...] = runner.addresses[0]
        return int(address[1])

    def _vcenter_app(self) -> web.Application:
        app = self._data_app("vcenter")
        app.router.add_get("/sdk/vimServiceVersions.xml", self._versions)
        app.router.add_get("/sdk/vimService.wsdl", self._versions)
        app.router.add_post("/sdk", self._call)
        app.router.add_post("/sdk/", self._call)
        app.router.add_post("/sdk/vimService", self._call)
        app.router.add_post("/control", self._control.handle)
        return app

    def _data_app(self, listener: str) -> web.Application:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._data.handle(request, listener)

        app = web.Application(client_max_size=MOST_REQUEST_BYTES)
        for prefix in ("nfc", "ha-nfc"):
            for method in ("GET", "POST", "PUT"):
                app.router.add_route(method, f"/{prefix}/{{ticket}}/{{name}}", handle)
        return app

    async def _versions(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._soap.versions_xml(), content_type="text/xml")

    async def _call(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        faults = self.world.faults
        method = _method_in(body)
        delay = faults.take("soap_delay", method)
        if delay:
            await asyncio.sleep(float(delay.params["seconds"]))
        refused = faults.take("soap_status", method)
        if refused:
            self.world.recorder.call(method, "", "", {}, "soap_status", body)
            return web.Response(
                status=int(refused.params["code"]), text=str(refused.params.get("body", ""))
            )
        raw = faults.take("raw_reply", method)
        if raw:
            self.world.recorder.call(method, "", "", {}, "raw_reply", body)
            return web.Response(body=str(raw.params["body"]).encode(), content_type="text/xml")
        drop = faults.take("drop", method)
        if drop and not drop.params.get("after"):
            self.world.recorder.call(method, "", "", {}, "dropped", body)
            return self._hang_up(request)
        answer = await self._soap.handle(headers, body)
        self.world.recorder.call(
            answer.method, answer.moid, answer.session, answer.args, answer.result, body
        )
        if drop:
            return self._hang_up(request)
        return web.Response(
            status=answer.status,
            body=answer.body,
            headers=answer.headers,
            content_type="text/xml",
            charset="utf-8",
        )

    def _hang_up(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    def _prepare_wrong_certificate(
        self, disks: certificates.Identity, host: str, directory: Path
    ) -> None:
        wrong = certificates.self_signed(host, directory, "impostor")

        def choose(connection: Any, _name: str | None, _context: ssl.SSLContext) -> None:
            if self.world.faults.take("wrong_certificate"):
                connection.context = wrong.context

        disks.context.sni_callback = choose  # type: ignore[assignment]


def _method_in(body: bytes) -> str:
    """The name of the call, read without parsing: only faults are matched against it."""
    text = body.decode("utf-8", errors="replace")
    after = text[text.find("Body") :]
    inner = after[after.find("<") + 1 :]
    return inner.split(">")[0].split()[0].rpartition(":")[2] if inner else ""


def bindable(host: str) -> bool:
    """Whether a listener can have this address."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True

