"""Cookies, tickets and passwords: at the right host, and in no text."""

from __future__ import annotations

import logging
import re
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.inventory import connected, demo_vm_of
from ..support.leases import disk_of


def test_no_cookie_at_the_disk_host(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    requests = simulator.requests()
    assert len(requests) == 5
    for request in requests:
        assert request["listener"] == "host"
        names = {name.lower() for name in request["headers"]}
        assert not names & {"cookie", "authorization", "vmware-api-session-id"}
        assert session_cookie(service) not in str(request["headers"])


def session_cookie(service: Any) -> str:
    match = re.search(r'="?([^";]+)', service._stub.cookie)
    assert match
    return match.group(1)


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("flip", {"offset": 1000}),
        ("cut", {"after_bytes": 5000, "how": "reset"}),
        ("html", {}),
        ("status", {"code": 500, "body": "internal error"}),
        ("wrong_certificate", {}),
        ("redirect", {"location": "https://u:p@127.0.0.1:9/secret/path?q=1"}),
    ],
)
def test_no_secret_in_any_text(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    service: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    params: dict[str, Any],
) -> None:
    caplog.set_level(logging.DEBUG)
    where = {"listener": "host"} if fault == "wrong_certificate" else {"disk": ".vmdk"}
    simulator.inject(fault, **{**where, **params})
    tickets: set[str] = set()
    with pytest.raises(nfclease.NfcError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        tickets |= {url.url.split("/")[4] for url in lease.wait_ready(10).deviceUrl}
        lease.download_all(tmp_path)
    shown = traceback.TracebackException.from_exception(raised.value, capture_locals=False)
    texts = [
        "".join(shown.format()),
        repr(raised.value),
        str(vars(raised.value)),
        repr(lease),
        repr(lease._nfc_core),
        caplog.text,
    ]
    secrets = {simulator.password, session_cookie(service), "secret/path", *tickets}
    for text in texts:
        for secret in secrets:
            assert secret not in text


#: How a page may show what it was asked, in the order that its author may think of them.
DRESSES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "twice": lambda text: "".join(f"%25{byte:02x}" for byte in text.encode()),
    "html": lambda text: "".join(f"&#{byte};" for byte in text.encode()),
    "hex": lambda text: "".join(f"&#x{byte:X};" for byte in text.encode()),
    "json": lambda text: "".join(f"\\u{byte:04x}" for byte in text.encode()),
    "cut": lambda text: text[2:-2],
}


def texts_of(error: BaseException, caplog: pytest.LogCaptureFixture) -> list[str]:
    """All that a reader of the error or of the log sees."""
    shown = traceback.TracebackException.from_exception(error)
    notes = getattr(error, "__notes__", [])
    seen = ["".join(shown.format()), str(error), repr(error), str(vars(error)), *notes]
    return [text.lower() for text in [*seen, caplog.text]]


def assert_hidden(secret: str, texts: list[str]) -> None:
    """Not even half of it is there, in any dress."""
    for dress in DRESSES.values():
        half = dress(secret[: len(secret) // 2]).lower()
        for text in texts:
            assert half not in text


@pytest.fixture(scope="module")
def host() -> Iterator[Simulator]:
    """A single host: the session's own origin has the disks, and gets its cookie."""
    with Simulator(esx=True, disk_size="1m", disks=1) as simulator:
        yield simulator


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("what", ["ticket", "cookie", "header"])
def test_a_page_that_echoes_the_request(
    open_lease: OpenLease,
    host: Simulator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    what: str,
    dress: str,
) -> None:
    """The retry's log line holds the page's words too."""
    caplog.set_level(logging.DEBUG)
    host.reset()
    for service in connected(host):
        service._stub._customHeaders = {"X-Token": "t0ken/of+mine=0123"}
        vm = demo_vm_of(service)
        lease = open_lease(vm.ExportVm(), max_retries=1 if dress == "plain" else 0)
        with pytest.raises(nfclease.HttpStatusError) as raised, lease:
            url = disk_of(lease).url
            secret = {
                "ticket": url.split("/")[-2],
                "cookie": session_cookie(service),
                "header": "t0ken/of+mine=0123",
            }[what]
            page = f"<h1>Sorry</h1>\nThe requested URL /nfc/{DRESSES[dress](secret)}/disk was: bad"
            host.inject("status", disk=".vmdk", code=503, body=page)
            lease.download(disk_of(lease), tmp_path / "disk")
        texts = texts_of(raised.value, caplog)
        assert "sorry" in texts[1]
        assert "sorry" in texts[-1] or dress != "plain"
        assert_hidden(secret, texts)


@pytest.mark.parametrize("after", range(180, 210, 3))
def test_a_secret_where_the_page_is_cut(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path, after: int
) -> None:
    with pytest.raises(nfclease.HttpStatusError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        disk = disk_of(lease)
        ticket = disk.url.split("/")[4]
        simulator.inject("status", disk=".vmdk", code=404, body="x" * after + ticket)
        lease.download(disk, tmp_path / "disk")
    assert "x" * 100 in str(raised.value)
    assert ticket[:4] not in str(raised.value)


@pytest.mark.parametrize(
    "location",
    [
        "https://us3r:p4ssword@127.0.0.1:9/secret/path?q=1",
        "foo://us3r%3Ap4ssword%40host/secret/path",
        "//us3r:p4ssword@host/secret/path",
        "mailto:us3r:p4ssword@host/secret/path",
        "https://{ticket}.example/",
    ],
)
def test_a_redirect_with_a_login(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    location: str,
) -> None:
    lease = open_lease(demo_vm.ExportVm())
    with pytest.raises(nfclease.UnexpectedRedirectError) as raised, lease:
        disk = disk_of(lease)
        ticket = disk.url.split("/")[4]
        simulator.inject("redirect", disk=".vmdk", location=location.format(ticket=ticket))
        lease.download(disk, tmp_path / "disk")
    for text in texts_of(raised.value, caplog):
        for secret in ("us3r", "p4ssword", "secret/path", ticket[:8]):
            assert secret not in text


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("method", ["HttpNfcLeaseProgress", "HttpNfcLeaseComplete"])
def test_a_fault_that_echoes_the_session(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    service: Any,
    caplog: pytest.LogCaptureFixture,
    method: str,
    dress: str,
) -> None:
    """A fault of our own calls; its pyvmomi object included, which a traceback shows as cause."""
    caplog.set_level(logging.DEBUG)
    cookie = session_cookie(service)
    simulator.inject("soap_fault", method=method, message=f"no {DRESSES[dress](cookie)} here")
    lease = open_lease(demo_vm.ExportVm(), keep_alive_interval=0.05)
    if method == "HttpNfcLeaseProgress":
        with lease:
            lease.wait_ready(10)
            deadline = time.monotonic() + 30
            while "keep-alive" not in caplog.text:
                assert time.monotonic() < deadline
                _ = lease.state
        assert_hidden(cookie, [caplog.text.lower()])
        return
    with pytest.raises(nfclease.LeaseCompleteError) as raised, lease:
        lease.wait_ready(10)
    assert raised.value.fault.msg == "no *** here" if dress != "cut" else "***" in str(raised.value)
    assert_hidden(cookie, texts_of(raised.value, caplog))


def test_control_characters_of_a_server_are_escaped(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("status", disk=".vmdk", code=418, body="\x1b[31mred\r\nforged log line")
    with pytest.raises(nfclease.HttpStatusError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert not re.search(r"[\x00-\x1f]", str(raised.value))


def test_the_environments_proxy_is_not_asked(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with open_lease(demo_vm.ExportVm()) as lease:
        lease.wait_ready(10)
        assert len(lease.download_all(tmp_path)) == 5
