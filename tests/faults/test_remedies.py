"""What an error tells a program to do, and what its text says of a bare status."""

from __future__ import annotations

import inspect
import io
import re
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import _core
from nfclease._pyvmomi import ssl_context
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.imports import Imported
from ..support.leases import disk_of
from ..support.plain_host import answering


def test_the_table_is_that_of_the_classes() -> None:
    text = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r'^\| "(\w+)" \| .+? \| (.+) \|$', text, re.MULTILINE)
    told = {name: remedy for remedy, names in rows for name in re.findall(r"`(\w+)`", names)}
    classes = [getattr(nfclease, name) for name in nfclease.__all__ if name.endswith("Error")]
    assert told == {error.__name__: error.remedy for error in classes}
    assert all(error.retryable == (error.remedy == "retry") for error in classes)


@pytest.mark.parametrize(
    ("code", "remedy", "says"),
    [
        (401, "new_lease", "ticket"),
        (404, "new_lease", "lease has ended"),
        (405, "none", "no NFC server"),
        (500, "retry", "locked"),
        (503, "retry", "overloaded"),
    ],
)
def test_a_status_of_a_download(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    code: int,
    remedy: str,
    says: str,
) -> None:
    simulator.inject("status", disk=".vmdk", code=code)
    lease = open_lease(demo_vm.ExportVm(), max_retries=0)
    with pytest.raises(nfclease.HttpStatusError, match=says) as raised, lease:
        lease.download(disk_of(lease), tmp_path / "disk")
    assert (raised.value.remedy, raised.value.retryable) == (remedy, remedy == "retry")


@pytest.mark.parametrize(
    ("kind", "params", "error", "remedy"),
    [
        ("status", {"code": 500}, nfclease.HttpStatusError, "fix_input"),
        ("status", {"code": 503}, nfclease.HttpStatusError, "new_lease"),
        ("cut", {"after_bytes": 1000}, nfclease.ConnectError, "new_lease"),
    ],
)
def test_a_disk_that_was_begun_cannot_be_sent_again(
    open_lease: OpenLease,
    simulator: Simulator,
    imported: Imported,
    kind: str,
    params: dict[str, Any],
    error: type[nfclease.NfcError],
    remedy: str,
) -> None:
    raw, item, path, _ = imported
    simulator.inject(kind, method="POST", **params)
    with pytest.raises(error) as raised, open_lease(raw, max_retries=0) as lease:
        lease.wait_ready(10)
        lease.upload(item, path)
    assert (raised.value.remedy, raised.value.retryable) == (remedy, False)
    assert str(raised.value).endswith("; try again with a new lease") == (remedy == "new_lease")
    assert "same call" not in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "params", "error"),
    [
        ("cut", {"after_bytes": 1000}, nfclease.TruncatedError),
        ("flip", {"offset": 5000}, nfclease.ChecksumMismatchError),
        ("status", {"code": 503}, nfclease.HttpStatusError),
        ("stall", {"after_bytes": 1000}, nfclease.StallError),
    ],
)
def test_the_text_says_to_try_again(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    kind: str,
    params: dict[str, Any],
    error: type[nfclease.NfcError],
) -> None:
    simulator.inject(kind, disk=".vmdk", **params)
    lease = open_lease(demo_vm.ExportVm(), max_retries=0, timeout=2.0)
    with pytest.raises(error, match=r"; try the same call again$") as raised, lease:
        lease.download(disk_of(lease), tmp_path / "disk")
    assert raised.value.remedy == "retry"


def test_a_size_that_differs_may_be_another_the_next_time(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("manifest", disk="disk-1.vmdk", size=7)
    lease = open_lease(demo_vm.ExportVm(), max_retries=0)
    with pytest.raises(nfclease.SizeMismatchError, match=r"; try the same call again$"), lease:
        lease.download(disk_of(lease), tmp_path / "disk")


def test_how_far_it_came_is_a_note(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("cut", disk=".vmdk", after_bytes=1000)
    with pytest.raises(nfclease.TruncatedError) as raised, open_lease(demo_vm.ExportVm()) as lease:
        lease.download(disk_of(lease), tmp_path / "disk")
    error: Any = raised.value
    assert error.attempts > 1
    said = f"{error.attempts} attempts were made, the last one after {error.bytes_done} bytes"
    assert error.__notes__ == [said]


def core_lease(session: _core.Session) -> _core.Lease:
    """One without a server that knows it."""
    known = inspect.signature(nfclease.HttpNfcLease.__init__).parameters.values()
    options: Any = {one.name: one.default for one in known if one.kind is one.KEYWORD_ONLY}
    return _core.Lease(session, "lease-1", **{**options, "keep_alive": False})


def test_a_call_that_is_not_answered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/sdk"
        trust = ssl_context.unverified()
        lease = core_lease(_core.Session(url, "urn:vim25/8.0.3.0", trust=trust, timeout=0.2))
        with pytest.raises(
            nfclease.CallTimeoutError, match=r"; try the same call again$"
        ) as raised:
            lease.call("CurrentTime", b"")
        lease.hand_over()
    assert raised.value.remedy == "retry"


def test_a_lost_lease_wants_a_new_one(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("bandwidth", bytes_per_second=1 << 20)
    lease = open_lease(demo_vm.ExportVm(), keep_alive_interval=0.2)
    with pytest.raises(nfclease.LeaseLostError, match="new lease") as raised, lease:
        lease.wait_ready(10)
        simulator.expire()
        lease.download_all(tmp_path)
    assert (raised.value.remedy, raised.value.retryable) == ("new_lease", False)


@pytest.mark.parametrize(
    ("kind", "match", "params", "error", "says"),
    [
        ("http_url", "vmdk", {}, nfclease.InsecureUrlError, "; pass allow_http=True only when"),
        ("html", "vmdk", {}, nfclease.DiskFormatError, "; verify_format=False accepts any bytes"),
        (
            "manifest",
            None,
            {"sha1": "", "checksum": "0" * 64, "checksumType": "sha256"},
            nfclease.ManifestError,
            'set; it lists sha256, which checksum_type="sha256" compares',
        ),
    ],
)
def test_the_keyword_that_helps_is_named(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    kind: str,
    match: str | None,
    params: dict[str, Any],
    error: type[nfclease.NfcError],
    says: str,
) -> None:
    simulator.inject(kind, match=match, **params)
    lease = open_lease(demo_vm.ExportVm(), require_manifest=True)
    with pytest.raises(error) as raised, lease:
        lease.download(disk_of(lease), io.BytesIO())  # is not read again, by another sum
    assert says in str(raised.value)


def test_a_trickle_is_told_as_one(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("bandwidth", disk=".vmdk", bytes_per_second=200)
    lease = open_lease(demo_vm.ExportVm(), timeout=2.0, max_retries=0)
    with pytest.raises(nfclease.StallError, match=r"(\d+ bytes|no data) moved") as raised, lease:
        lease.download(disk_of(lease), tmp_path / "disk")
    assert raised.value.remedy == "retry"


@pytest.mark.parametrize("fault", ["NotSupported", "NotImplemented", "MethodNotFound"])
@pytest.mark.parametrize("require", [False, True])
def test_a_server_without_manifests(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    fault: str,
    require: bool,
) -> None:
    body = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body><e:Fault>'
        f'<faultstring>no</faultstring><detail><{fault}Fault xmlns="urn:vim25" '
        f'xsi:type="{fault}"/></detail></e:Fault></e:Body></e:Envelope>'
    )
    simulator.inject("raw_reply", method="HttpNfcLeaseGetManifest", code=500, body=body)
    lease = open_lease(demo_vm.ExportVm(), require_manifest=require)
    if require:
        with pytest.raises(nfclease.ManifestError), lease:
            lease.download(disk_of(lease), tmp_path / "disk")
    else:
        with lease:
            assert lease.download(disk_of(lease), tmp_path / "disk").verified == "stream"


def test_a_proxys_own_words() -> None:
    """The HTTP library keeps them to itself; the proxy's password is not among them."""
    page = b"no route to disk-host, said s3cret-of-mine"
    with answering(b"HTTP/1.1 503 Busy\r\n\r\n" + page) as (port, asked):
        unverified = ssl._create_unverified_context()
        session = _core.Session(
            "https://disk-host/sdk",
            "urn:vim25/8.0.3.0",
            trust={**ssl_context.unverified(), **ssl_context.read(unverified)},
            proxy=(f"127.0.0.1:{port}", [("X-Login", "s3cret-of-mine")]),
        )
        lease = core_lease(session)
        with pytest.raises(nfclease.HttpStatusError) as raised:
            lease.call("CurrentTime", b"")
        lease.hand_over()
    assert asked[0].startswith(b"CONNECT disk-host:443 ")
    text = str(raised.value)
    assert raised.value.status == 503
    assert raised.value.remedy == "retry"
    assert "no route to disk-host, said ***" in text
    assert "through the session's proxy" in text
