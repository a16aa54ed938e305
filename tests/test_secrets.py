"""Cookies, tickets and passwords: at the right host, and in no text."""

from __future__ import annotations

import logging
import re
import traceback
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

from .conftest import find

BOTH_FACES = True


def test_no_cookie_at_the_disk_host(simulator: Simulator, service: Any, tmp_path: Path) -> None:
    vm = find(service, vim.VirtualMachine, "demo-vm")
    with HttpNfcLease(vm.ExportVm()) as lease:
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
    vm = find(service, vim.VirtualMachine, "demo-vm")
    tickets: set[str] = set()
    with pytest.raises(nfclease.NfcError) as raised, HttpNfcLease(vm.ExportVm()) as lease:
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


def test_control_characters_of_a_server_are_escaped(
    simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    simulator.inject("status", disk=".vmdk", code=418, body="\x1b[31mred\r\nforged log line")
    vm = find(service, vim.VirtualMachine, "demo-vm")
    with pytest.raises(nfclease.HttpStatusError) as raised, HttpNfcLease(vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(tmp_path)
    assert not re.search(r"[\x00-\x1f]", str(raised.value))


def test_the_environments_proxy_is_not_asked(
    simulator: Simulator, service: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    vm = find(service, vim.VirtualMachine, "demo-vm")
    with HttpNfcLease(vm.ExportVm()) as lease:
        lease.wait_ready(10)
        assert len(lease.download_all(tmp_path)) == 5
