"""No password, session cookie or ticket in anything that the command prints, however much it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from nfclease.simulator import Simulator

from ..support.command import Command, Done
from .interrupting import Interrupting
from .moments import moved

LOUD = ["-vv", "--debug"]


@pytest.fixture
def by_url(simulator: Simulator) -> Command:
    """A command whose URL has user and password, as ``GOVC_URL`` may."""
    user, password = simulator.user.replace("@", "%40"), simulator.password
    url = f"{user}:{password}@{simulator.host}:{simulator.port}"
    return Command({"GOVC_URL": url, "GOVC_TLS_CA_CERTS": str(simulator.ca_file)})


def check_kept(done: Done, simulator: Simulator) -> None:
    """Neither the password nor what stands in cookies and in the URLs of disks."""
    printed = done.stdout + done.stderr
    secrets = {simulator.password}
    for call in simulator.calls():
        cookie = call["headers"].get("Cookie", "")
        secrets |= set(re.findall(r"vmware_soap_session=\"?([^\";]+)", cookie))
    for request in simulator.requests():
        secrets |= set(re.findall(r"/nfc/([^/]+)/", request["path"]))
    assert len(secrets) >= 2
    for secret in secrets:
        assert secret not in printed


def test_a_job_that_is_done(by_url: Command, simulator: Simulator, tmp_path: Path) -> None:
    done = by_url("export", "/DC0/vm/demo-vm", "-o", tmp_path / "x.ova", *LOUD)
    assert done.code == 0, done.stderr
    assert "call: Logout" in done.stderr
    check_kept(done, simulator)
    done = by_url("import", tmp_path / "x.ova", "--name", "kept", *LOUD)
    assert done.code == 0, done.stderr
    check_kept(done, simulator)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("status", {"disk": "disk-1", "code": 404}),
        ("flip", {"disk": "disk-1", "offset": 9000}),
        ("http_url", {"disk": "disk-1"}),
        ("drop", {"method": "CreateDescriptor"}),
        ("soap_status", {"method": "HttpNfcLeaseComplete", "code": 503}),
        ("raw_reply", {"method": "ExportVm", "body": "<html>"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_job_that_fails(
    by_url: Command, simulator: Simulator, tmp_path: Path, kind: str, params: dict[str, Any]
) -> None:
    simulator.inject(kind, **params)
    done = by_url("export", "/DC0/vm/demo-vm", "-o", tmp_path / "x.ova", *LOUD)
    assert done.code in (1, 3)
    assert "Traceback" in done.stderr
    check_kept(done, simulator)


def test_a_job_that_is_broken_off(
    by_url: Command, simulator: Simulator, tmp_path: Path, folder: Path
) -> None:
    command = Interrupting(by_url, simulator, tmp_path)
    moment = moved("disk-1", 70_000, "in the middle of a disk")
    done = command.at(moment, 15, "export", "/DC0/vm/demo-vm", "-o", folder / "x.ova", *LOUD)
    assert done.code == 143
    check_kept(done, simulator)


def test_logins_that_fail(simulator: Simulator) -> None:
    """The password by an option, wrong, at a server that is not there, or not trusted."""
    for host in (f"{simulator.host}:{simulator.port}", "no-such-host.invalid", "[::1"):
        run = Command({"GOVC_TLS_CA_CERTS": str(simulator.ca_file)})
        done = run("ls", "--url", f"https://someone:hush-hush@{host}/sdk", *LOUD)
        assert done.code in (1, 2)
        assert "hush" not in done.stdout + done.stderr
