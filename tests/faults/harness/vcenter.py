"""A server between a case and vCenter, which answers some calls in its own way."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from nfclease.simulator.server.certificates import issued

from .world import World

Answer = Callable[[BaseHTTPRequestHandler], object]


class VcenterFront:
    """Hands on all calls but those of one method; the case's session goes through it.

    Args:
        world: Whose session is opened anew, through this.
        method: The call that is answered here.
        answer: Answers it: it writes a status line, headers and a body.
        edited: Changes the answers of vCenter.

    Attributes:
        behind: The vCenter; another from now on where a case sets it.
    """

    def __init__(
        self,
        world: World,
        method: str,
        answer: Answer,
        edited: Callable[[bytes], bytes] = lambda content: content,
    ) -> None:
        self._method, self._answer, self._edited = method.encode(), answer, edited
        self.behind = world.simulator
        ca_file = world.folder / "front-ca.pem"
        self._certificate = issued("127.0.0.1", ca_file)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.front = self
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        self._thread.start()
        world.stack.callback(self._close)
        context = ssl.create_default_context(cafile=str(ca_file))
        port = self._server.server_address[1]
        world.service._stub.DropConnections()
        world.connect = lambda: world.simulator.connect(port=port, sslContext=context)
        world.open_session()

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def wrap(self, plain: socket.socket) -> ssl.SSLSocket:
        plain.settimeout(20)
        context = self._certificate.context
        return context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        if b"<" + self._method + b" " in body or b":" + self._method + b" " in body:
            handler.close_connection = True
            with contextlib.suppress(OSError):
                self._answer(handler)
            return
        simulator = self.behind
        host = http.client.HTTPSConnection(
            simulator.host, simulator.port, context=simulator.ssl_context(), timeout=60
        )
        with contextlib.closing(host):
            host.request(handler.command, handler.path, body or None, dict(handler.headers))
            answer = host.getresponse()
            content = self._edited(answer.read())
        handler.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "date", "server", "transfer-encoding"):
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)


class _Server(ThreadingHTTPServer):
    front: VcenterFront

    def get_request(self) -> tuple[Any, Any]:
        plain, address = super().get_request()
        return self.front.wrap(plain), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many cases are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        self.server.front.serve(self)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
