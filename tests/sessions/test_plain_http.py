"""`allow_http=True` accepts an http data URL from an https session, and sends it no cookie."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from nfclease import InsecureUrlError
from nfclease.simulator import Simulator

from ..support.faces import OpenLease

BODY = b"a file over plain http"


class Handler(http.server.BaseHTTPRequestHandler):
    seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:  # noqa: N802
        self.seen.append(dict(self.headers))
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *args: Any) -> None:
        return


@pytest.fixture
def plain_url() -> Iterator[str]:
    Handler.seen.clear()
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/nfc/ticket/disk-0.iso"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("allow", [False, True])
def test_plain_http_has_to_be_allowed(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    plain_url: str,
    allow: bool,
) -> None:
    simulator.inject("device_url", disk="disk-0.iso", url=plain_url, fileSize=len(BODY))
    with open_lease(demo_vm.ExportVm(), allow_http=allow) as lease:
        [iso] = [url for url in lease.wait_ready(10).deviceUrl if url.targetId == "disk-0.iso"]
        if not allow:
            with pytest.raises(InsecureUrlError):
                lease.download(iso, tmp_path / "iso")
            assert Handler.seen == []
            return
        assert lease.download(iso, tmp_path / "iso").verified == "stream"
    assert (tmp_path / "iso").read_bytes() == BODY
    assert "Cookie" not in Handler.seen[0]
