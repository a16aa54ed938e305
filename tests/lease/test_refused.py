"""A constructor that fails: the lease that it was given gets one Abort, whatever the reason."""

from __future__ import annotations

import inspect
import logging
import subprocess
import sys
from typing import Any

import pytest

import nfclease
from nfclease import AsyncHttpNfcLease, HttpNfcLease
from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.leases import endings
from ..support.smoke import login


def states(simulator: Simulator, raw: Any) -> list[str]:
    return [lease["state"] for lease in simulator.leases() if lease["moid"] == raw._moId]


@pytest.mark.parametrize(
    ("error", "args", "options"),
    [
        (TypeError, (), {"verify": False}),
        (TypeError, (), {"max_concurrency": "4"}),
        (ValueError, (), {"max_concurrency": 0}),
        (ValueError, (), {"timeout": 0.0}),
        (ValueError, (), {"checksum_type": "md5"}),
        (TypeError, ("stub",), {}),
        (TypeError, (None, None, "sha1"), {}),
        (TypeError, (None, None), {"lease": "twice"}),
    ],
)
def test_the_lease_of_a_wrong_argument(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    error: type[Exception],
    args: tuple[Any, ...],
    options: dict[str, Any],
) -> None:
    raw = demo_vm.ExportVm()
    with pytest.raises(error) as caught:
        open_lease(raw, *args, **options)
    assert states(simulator, raw) == ["error"]
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert caught.value.lease_outcome == "aborted"  # type: ignore[attr-defined]
    [abort] = simulator.calls("HttpNfcLeaseAbort")
    assert error.__name__ in str(abort["args"])


def test_a_lease_by_keyword(open_lease: OpenLease, demo_vm: Any, simulator: Simulator) -> None:
    with pytest.raises(TypeError, match="verify"):
        open_lease(lease=demo_vm.ExportVm(), verify=False)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_session_that_cannot_be_read(
    open_lease: OpenLease,
    demo_vm: Any,
    simulator: Simulator,
    service: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The reason is the session's, not an option's: a path of httpProxyPath's kind."""
    raw = demo_vm.ExportVm()
    monkeypatch.setattr(service._stub, "sslProxyPath", "/sdkTunnel", raising=False)
    with pytest.raises(ValueError, match="sslProxyPath"):
        open_lease(raw)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_lease_by_its_moid_is_left_alone(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, service: Any
) -> None:
    """Its opener has it, and may try again."""
    raw = demo_vm.ExportVm()
    with pytest.raises(ValueError, match="max_concurrency"):
        open_lease(raw._moId, service._stub, max_concurrency=0)
    assert endings(simulator) == []
    raw.Abort()


def test_a_lease_that_is_ours_already(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    """Wrapping it, or its plain lease, with a wrong option takes nothing from who holds it."""
    raw = demo_vm.ExportVm()
    with HttpNfcLease(raw) as held:
        held.wait_ready(10)
        for again in (held, raw):
            with pytest.raises(TypeError):
                open_lease(again, verify=False)
        assert held.state == "ready"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_an_abort_that_fails_as_well(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    raw = demo_vm.ExportVm()
    simulator.inject("soap_fault", method="HttpNfcLeaseAbort", message="not now")
    with caplog.at_level(logging.ERROR), pytest.raises(TypeError, match="verify") as caught:
        open_lease(raw, verify=False)
    assert caught.value.lease_outcome == "abort_failed"  # type: ignore[attr-defined]
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert raw._moId in told[0]
    assert "not now" in told[0]
    assert getattr(caught.value, "__notes__", told) == told


def test_the_signatures_are_kept() -> None:
    for face in (HttpNfcLease, AsyncHttpNfcLease):
        names = list(inspect.signature(face).parameters)
        assert names[:3] == ["lease", "stub", "serverGuid"]
    assert inspect.signature(HttpNfcLease).parameters["timeout"].default == 60.0


NO_DESCRIPTOR = """
import os, resource, ssl, sys
from pyVim.connect import SmartConnect
from pyVmomi import vim
from nfclease import AsyncHttpNfcLease, HttpNfcLease

face, moid, host, port, user, password, ca_file = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
raw = vim.HttpNfcLease(moid, service._stub)
raw.state  # a connection is there, as after ExportVm
lowest = os.dup(0)
os.close(lowest)
resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
try:
    {"blocking": HttpNfcLease, "asyncio": AsyncHttpNfcLease}[face](raw)
except OSError as error:
    sys.exit(0 if error.errno == 24 else repr(error))
sys.exit("it was made")
"""


def test_no_descriptor_is_left(demo_vm: Any, simulator: Simulator, face: str) -> None:
    raw = demo_vm.ExportVm()
    script = [sys.executable, "-c", NO_DESCRIPTOR, face, raw._moId, *login(simulator)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert states(simulator, raw) == ["error"]


def test_what_is_no_lease_ends_nothing(demo_vm: Any, simulator: Simulator) -> None:
    wrong = HttpNfcLease
    for arguments in ((), (None,), (demo_vm,), (demo_vm.summary,), ("moId",)):
        with pytest.raises((TypeError, AttributeError)):
            wrong(*arguments)
    assert endings(simulator) == []
    assert nfclease.__version__
