"""A wrong host, port, proxy, CA, VM, pool or network: a line that says what, where and what to do.

Passwords and certificates are in ``test_login``.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nfclease.simulator import Simulator

from ..support.command import Command, Done
from ..support.packages import ova, package, stream_disk


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nobody listens, and nobody else will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "x.ova"
    path.write_bytes(ova(package({"a.vmdk": stream_disk()})))
    return path


def check_helps(done: Done, code: int, *words: str) -> None:
    """At most three lines, on standard error alone, with these words."""
    assert done.code == code, done.stderr
    assert done.stdout == ""
    assert 1 <= len(done.stderr.splitlines()) <= 3
    assert done.stderr.startswith("nfclease: ")
    assert "Traceback" not in done.stderr
    for each in words:
        assert each in done.stderr


def test_a_wrong_port(nfclease: Command, nobody: str) -> None:
    done = nfclease("ls", env={"GOVC_URL": nobody})
    check_helps(done, 1, nobody, "cannot be reached", "check host and port")


def test_a_host_that_nobody_knows(nfclease: Command) -> None:
    done = nfclease("ls", env={"GOVC_URL": "no-such-host.invalid"})
    check_helps(done, 1, "no-such-host.invalid", "check --url or GOVC_URL")


def test_a_server_that_is_no_vsphere(nfclease: Command, simulator: Simulator) -> None:
    url = f"{simulator.disk_host}:{simulator.disk_port}"
    done = nfclease("ls", env={"GOVC_URL": url, "GOVC_INSECURE": "1"})
    check_helps(done, 1, url, "not a vSphere", "check --url or GOVC_URL")


def test_a_proxy_that_is_not_there(nfclease: Command, nobody: str) -> None:
    env = {"GOVC_URL": "vc.example.test", "HTTPS_PROXY": f"http://{nobody}", "https_proxy": None}
    done = nfclease("ls", env=env)
    check_helps(done, 1, "vc.example.test:443", f"by the proxy {nobody} of HTTPS_PROXY")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "no-such", "-o", "y.ova"], ["VM or vApp 'no-such' not found", "nfclease ls"]),
        (
            ["import", "x.ova", "--pool", "no-such"],
            ["resource pool 'no-such' not found", "nfclease ls"],
        ),
        (
            ["import", "x.ova", "--network", "VM Network=no-such"],
            ["network 'no-such' not found", "nfclease ls"],
        ),
        (["import", "x.ova", "--network", "Lab=VM Network"], ["'Lab'", "it has 'VM Network'"]),
        (["import", "nothing.ova"], ["nothing.ova: No such file"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_a_name_that_is_not_there(
    nfclease: Command, archive: Path, arguments: list[str], words: list[str]
) -> None:
    done = nfclease(*arguments, cwd=archive.parent)
    check_helps(done, 1, *words)
    assert [path.name for path in archive.parent.iterdir()] == ["x.ova"]


@pytest.mark.parametrize(
    ("kind", "params", "words"),
    [
        ("soap_status", {"code": 503}, ["503"]),
        ("raw_reply", {"body": "<html>"}, ["call to the server failed"]),
        ("drop", {}, ["call to the server failed"]),
        ("soap_fault", {"fault": "vim.fault.NoPermission"}, ["NoPermission", "more privileges"]),
    ],
)
def test_a_server_that_does_not_answer_a_call(
    nfclease: Command, simulator: Simulator, kind: str, params: dict[str, Any], words: list[str]
) -> None:
    simulator.inject(kind, method="RetrievePropertiesEx", **params)
    done = nfclease("ls")
    simulator.clear()
    check_helps(done, 1, *words)
