"""govc, a client that nobody here wrote, against the simulator: all else rests on its honesty."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

from .conftest import connected, find
from .peers.run import govc

DISK_SIZE = 2 << 20


@pytest.fixture(scope="module")
def shared_simulator() -> Iterator[Simulator]:
    with Simulator(disk_size=DISK_SIZE, initializing=0.05, stable_streams=True) as simulator:
        yield simulator


def run(simulator: Simulator, *args: str) -> str:
    env = {
        "GOVC_URL": simulator.url,
        "GOVC_USERNAME": simulator.user,
        "GOVC_PASSWORD": simulator.password,
        "GOVC_TLS_CA_CERTS": simulator.ca_file,
        "GOVC_PERSIST_SESSION": "false",
    }
    done = govc(*args, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_about(simulator: Simulator) -> None:
    about = json.loads(run(simulator, "about", "-json"))["about"]
    assert about["apiType"] == "VirtualCenter"


def test_inventory(simulator: Simulator) -> None:
    assert "/DC0/vm/demo-vm" in run(simulator, "ls", "/DC0/vm").split()
    assert "/DC0/vm/demo-vm" in run(simulator, "find", "/", "-type", "m").split()
    assert "demo-vm" in run(simulator, "vm.info", "demo-vm")


def files(directory: Path) -> dict[str, tuple[int, str]]:
    return {
        path.name: (path.stat().st_size, hashlib.sha1(path.read_bytes()).hexdigest())
        for path in directory.iterdir()
    }


def test_exports_are_those_of_govc(simulator: Simulator, service: Any, tmp_path: Path) -> None:
    run(simulator, "export.ovf", "-i", "-vm", "demo-vm", str(tmp_path / "govc"))
    theirs = files(tmp_path / "govc" / "demo-vm")
    ours = tmp_path / "ours"
    ours.mkdir()
    vm = find(service, vim.VirtualMachine, "demo-vm")
    with HttpNfcLease(vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.download_all(ours)
    # govc puts the VM's name before the server's names that do not begin with it.
    expected = {
        name if name.startswith("demo-vm") else f"demo-vm-{name}": value
        for name, value in files(ours).items()
    }
    assert {name: value for name, value in theirs.items() if not name.endswith(".ovf")} == expected


def test_imports_of_govc(simulator: Simulator, tmp_path: Path) -> None:
    run(simulator, "export.ovf", "-i", "-vm", "demo-vm", str(tmp_path))
    package = tmp_path / "demo-vm"
    run(simulator, "import.ovf", "-name", "by-govc", str(package / "demo-vm.ovf"))
    received = {
        entry["received"][1] for entry in simulator.vm_files("by-govc") if entry["received"]
    }
    sent = {sum for name, (_, sum) in files(package).items() if not name.endswith(".ovf")}
    assert received == sent
    for service in connected(simulator):
        assert find(service, vim.VirtualMachine, "by-govc").name == "by-govc"
