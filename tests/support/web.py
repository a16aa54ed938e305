"""A web server over https on loopback that has files, and every bad habit a test asks for."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from nfclease.simulator.server.certificates import Certificate, issued


@dataclass
class Habits:
    """What the server does wrong, or in its own way.

    Attributes:
        ranges: Whether it answers a Range with 206.
        cut_after: Bytes of a body after which it ends the connection, every time.
        range_shift: Added to the first byte's place that ``Content-Range`` says.
        etags: What it calls the file, one answer after the other; the last stays.
        if_range: Whether an ``If-Range`` that does not fit gets the whole file, as it should.
        statuses: What the next answers are in place of a file.
        redirects: From a path to an address.
        endless: Whether an answer goes on behind its end.
        lengths: Whether an answer of the whole says its length.
        login: What ``Authorization`` has to be.
        long_shift: ``range_shift`` for parts of more than 64 KiB.
        long_etag: What it calls the file for those; its own name for it where there is none.
        whole: The status of an answer to who asks for no Range.
        hold_after: Bytes of a body after which it says no more until it is closed.
    """

    ranges: bool = True
    cut_after: int | None = None
    range_shift: int = 0
    etags: list[str] = field(default_factory=list)
    if_range: bool = True
    statuses: list[int] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    endless: bool = False
    lengths: bool = True
    login: str | None = None
    long_shift: int = 0
    long_etag: str | None = None
    whole: int | None = None
    hold_after: int | None = None


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    range: str | None
    if_range: str | None
    login: str | None


class Web:
    """The server.

    Attributes:
        files: By path, as it is asked for.
        asked: All requests, in the order of their coming.
        sent: Bytes of files, those of some may not have gone out yet.
        ca_file: Whom to trust.
        certificate: What it shows.
        held: Set once an answer is held.
    """

    def __init__(self, files: Mapping[str, bytes], folder: Path, **habits: Any) -> None:
        self.files = {f"/{name}": data for name, data in files.items()}
        self.habits = Habits(**habits)
        self.asked: list[Asked] = []
        self.sent = 0
        self.held = threading.Event()
        self._closed = threading.Event()
        self.ca_file = folder / "web-ca.pem"
        self.certificate: Certificate = issued("127.0.0.1", self.ca_file)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.web = self
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"https://127.0.0.1:{self._server.server_address[1]}"

    def url(self, name: str) -> str:
        return f"{self.origin}/{name}"

    def ranges(self) -> list[str | None]:
        """Which parts were asked for."""
        return [asked.range for asked in self.asked]

    def hold(self) -> None:
        """Says no more for now."""
        self.held.set()
        self._closed.wait()

    def close(self) -> None:
        """Takes no more connections, and ends those that there are."""
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@contextmanager
def serving(files: Mapping[str, bytes], folder: Path, **habits: Any) -> Iterator[Web]:
    """A server with these files for the length of a block."""
    web = Web(files, folder, **habits)
    try:
        yield web
    finally:
        web.close()


class _Server(ThreadingHTTPServer):
    web: Web

    def get_request(self) -> tuple[Any, Any]:
        plain, address = super().get_request()
        plain.settimeout(20)
        context = self.web.certificate.context
        # The thread of the connection shakes hands.
        secured = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        return secured, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away or does not trust is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: pytest has enough to show."""

    def do_GET(self) -> None:
        web = self.server.web
        habits = web.habits
        header = self.headers.get
        login = header("Authorization")
        web.asked.append(Asked(self.path, header("Range"), header("If-Range"), login))
        path = unquote(urlsplit(self.path).path)
        data = web.files.get(path)
        if habits.statuses:
            self._plain(habits.statuses.pop(0))
        elif path in habits.redirects:
            self._plain(302, Location=habits.redirects[path])
        elif habits.login is not None and login != habits.login:
            self._plain(401)
        elif data is None:
            self._plain(404)
        elif habits.whole is not None and header("Range") is None:
            self._plain(habits.whole)
        else:
            self._file(data)

    def _plain(self, status: int, **headers: str) -> None:
        page = b"an answer of the server"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def _file(self, data: bytes) -> None:
        habits = self.server.web.habits
        etag = f'"{hashlib.sha1(data).hexdigest()[:9]}"'
        if habits.etags:
            etag = habits.etags.pop(0) if len(habits.etags) > 1 else habits.etags[0]
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        is_long = asked is not None and int(asked[2]) - int(asked[1]) >= 1 << 16
        if is_long and habits.long_etag is not None:
            etag = habits.long_etag
        moved = habits.range_shift + (habits.long_shift if is_long else 0)
        known = self.headers.get("If-Range")
        stale = habits.if_range and known not in (None, etag)
        if asked and habits.ranges and not stale:
            first, last = int(asked[1]), min(int(asked[2]), len(data) - 1)
            if first > last:
                self._plain(416, **{"Content-Range": f"bytes */{len(data)}"})
                return
            body = data[first : last + 1]
            self.send_response(206)
            shown = f"{first + moved}-{last + moved}"
            self.send_header("Content-Range", f"bytes {shown}/{len(data)}")
        else:
            body = data
            self.send_response(200)
        self.send_header("ETag", etag)
        self._body(body)

    def _body(self, body: bytes) -> None:
        habits = self.server.web.habits
        chunked = habits.endless or not habits.lengths
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = habits.cut_after
        is_cut = cut is not None and cut < len(body)
        with contextlib.suppress(OSError):
            if habits.hold_after is not None and habits.hold_after < len(body):
                self._send(body[: habits.hold_after], chunked)
                self.server.web.hold()
                return
            self._send(body[:cut] if is_cut else body, chunked)
            while habits.endless:
                self._send(bytes(1 << 16), chunked)
            if chunked and not is_cut:
                self.wfile.write(b"0\r\n\r\n")
        if is_cut:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, body: bytes, chunked: bool) -> None:
        self.server.web.sent += len(body)
        self.wfile.write(b"%x\r\n%b\r\n" % (len(body), body) if chunked and body else body)


def browser(web: Web) -> ssl.SSLContext:
    """A context that trusts the server, for a client other than ours."""
    return ssl.create_default_context(cafile=str(web.ca_file))
