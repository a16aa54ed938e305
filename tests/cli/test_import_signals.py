"""Ctrl-C, SIGTERM and SIGHUP at every moment of an import: one Abort, and no VM."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease import export_vm
from nfclease.simulator import Simulator

from ..support.importing import vm_names
from ..support.inventory import find, unique
from ..support.leases import endings, methods
from .interrupting import SIGNALS, Interrupting, check_said, spread
from .moments import ENTRY, Moment, answered, call, initializing, moved, task

WITHOUT_A_LEASE = [*ENTRY, call("CreateImportSpec")]
MIDDLE = moved("disk-0", 70_000, "in the middle of a disk")
WITH_A_LEASE = [
    call("ImportVApp", "while the lease is opened", settles=True),
    initializing("ImportVApp"),
    moved("disk-0", 0, "before the first byte"),
    MIDDLE,
    call("HttpNfcLeaseGetManifest"),
]


@pytest.fixture(scope="module")
def package(shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that the simulator has given out."""
    path = tmp_path_factory.mktemp("package") / "demo.ova"
    session = shared_simulator.connect()
    export_vm(find(session, vim.VirtualMachine, "demo-vm"), path)
    session.content.sessionManager.Logout()
    session._stub.DropConnections()
    return path


def arguments(package: Path, name: str) -> list[str | Path]:
    pool = "/DC0/host/Cluster/Resources"
    return ["import", package, "--pool", pool, "--name", name, "--quiet"]


@pytest.mark.parametrize(
    ("moment", "number"), [*spread([*WITHOUT_A_LEASE, *WITH_A_LEASE]), *spread([MIDDLE] * 3)]
)
def test_a_signal(
    interrupting: Interrupting,
    simulator: Simulator,
    service: Any,
    package: Path,
    moment: Moment,
    number: int,
) -> None:
    name = unique("broken-off")
    done = interrupting.at(moment, number, *arguments(package, name))
    check_said(done, SIGNALS[number])
    assert endings(simulator) == ["HttpNfcLeaseAbort"] * (moment in WITH_A_LEASE)
    assert {lease["state"] for lease in simulator.leases()} <= {"error"}
    assert methods(simulator, "Logout") == ["Logout"] * answered(simulator, "Login")
    assert name not in vm_names(service)


@pytest.mark.parametrize(
    "moment",
    [call("HttpNfcLeaseComplete", settles=True), task("PowerOnVM_Task", settles=True)],
    ids=lambda moment: moment.name,
)
def test_a_signal_after_all_was_sent(
    interrupting: Interrupting,
    simulator: Simulator,
    service: Any,
    package: Path,
    moment: Moment,
) -> None:
    """The VM is there: all of it is verified, and the server had the lease's end."""
    name = unique("whole")
    done = interrupting.at(moment, signal.SIGTERM, *arguments(package, name), "--power-on")
    check_said(done, SIGNALS[signal.SIGTERM])
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
    assert {lease["state"] for lease in simulator.leases()} == {"done"}
    assert name in vm_names(service)
