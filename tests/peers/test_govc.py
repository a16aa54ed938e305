"""govc, a client that nobody here wrote, against the simulator: all else rests on its honesty."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import SoapAdapter, vim

from nfclease.simulator import Simulator

from ..support.faces import OpenLease
from ..support.inventory import connected, find, unique
from .run import govc

DISK_SIZE = 2 << 20
SIMULATOR = {"disk_size": DISK_SIZE, "stable_streams": True}


def run(simulator: Simulator, *args: str) -> str:
    assert simulator.ca_file is not None
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


def test_exports_are_those_of_govc(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    run(simulator, "export.ovf", "-i", "-vm", "demo-vm", str(tmp_path / "govc"))
    theirs = files(tmp_path / "govc" / "demo-vm")
    ours = tmp_path / "ours"
    ours.mkdir()
    with open_lease(demo_vm.ExportVm()) as lease:
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


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("vm.info -r demo-vm", ["poweredOff", "VM Network", "datastore1"]),
        ("device.info -vm demo-vm disk-*", ["VirtualDisk", "[datastore1] demo-vm/demo-vm.vmdk"]),
        ("device.ls -vm demo-vm", ["pvscsi-1000", "disk-1000-2"]),
        ("datastore.info", ["datastore1", "VMFS"]),
        ("ls -l /DC0/host", ["/DC0/host/Cluster (ClusterComputeResource)"]),
        ("snapshot.tree -vm running-vm", ["before"]),
        ("object.collect -s vm/demo-vm runtime.powerState", ["poweredOff"]),
        ("session.ls", ["administrator@vsphere.local", "govc/"]),
    ],
)
def test_reads(simulator: Simulator, command: str, expected: list[str]) -> None:
    told = run(simulator, *command.split())
    assert [text for text in expected if text not in told] == []


def test_import_of_an_appliance(simulator: Simulator, tmp_path: Path) -> None:
    run(simulator, "export.ovf", "-i", "-vm", "demo-vm", str(tmp_path))
    package = tmp_path / "demo-vm"
    with tarfile.open(tmp_path / "demo-vm.ova", "w", format=tarfile.USTAR_FORMAT) as ova:
        for path in sorted(package.iterdir(), key=lambda path: path.suffix != ".ovf"):
            ova.add(path, path.name)
    run(simulator, "import.ova", "-name", "of-an-ova", str(tmp_path / "demo-vm.ova"))
    received = {
        entry["received"][1] for entry in simulator.vm_files("of-an-ova") if entry["received"]
    }
    assert received == {sum for name, (_, sum) in files(package).items() if ".ovf" not in name}


class TestLeaseOfGovc:
    """``-lease`` opens a lease for another client, which finds it by its reference."""

    @pytest.fixture
    def environment(self, simulator: Simulator, tmp_path: Path) -> dict[str, str]:
        return {
            "GOVC_URL": simulator.url,
            "GOVC_USERNAME": simulator.user,
            "GOVC_PASSWORD": simulator.password,
            "GOVC_TLS_CA_CERTS": str(simulator.ca_file),
            "GOVC_PERSIST_SESSION": "true",
            "GOVMOMI_HOME": str(tmp_path / "govmomi"),
        }

    def opened(self, environment: dict[str, str], *command: str) -> str:
        done = govc(command[0], "-lease", "-json", *command[1:], env=environment)
        assert done.returncode == 0, done.stderr
        reference: str = json.loads(done.stdout)["self"]["value"]
        return reference

    def stub(self, simulator: Simulator, service: Any, environment: dict[str, str]) -> Any:
        """The session that govc has kept, by its cookie."""
        cookie = govc("session.login", "-l", env=environment).stdout.strip()
        stub = SoapAdapter.SoapStubAdapter(
            host=simulator.host,
            port=simulator.port,
            sslContext=simulator.ssl_context(),
            version=service._stub.version,
        )
        stub.cookie = f'vmware_soap_session="{cookie}"; Path=/; HttpOnly; Secure; '
        return stub

    def test_export(
        self,
        open_lease: OpenLease,
        simulator: Simulator,
        service: Any,
        environment: dict[str, str],
        tmp_path: Path,
    ) -> None:
        reference = self.opened(environment, "export.ovf", "-vm", "demo-vm")
        stub = self.stub(simulator, service, environment)
        target = tmp_path / "out"
        target.mkdir()
        with open_lease(reference, stub) as lease:
            lease.wait_ready(10)
            results = lease.download_all(target)
        assert {result.verified for result in results} == {"manifest"}
        assert len(results) == 5
        ended = simulator.calls("HttpNfcLeaseComplete", reference)
        opened = simulator.calls("ExportVm")
        assert [call["session"] for call in ended] == [opened[-1]["session"]]
        stub.DropConnections()

    def test_import(
        self,
        open_lease: OpenLease,
        simulator: Simulator,
        service: Any,
        environment: dict[str, str],
        tmp_path: Path,
    ) -> None:
        run(simulator, "export.ovf", "-i", "-vm", "demo-vm", str(tmp_path))
        package = tmp_path / "demo-vm"
        name = unique("by-two")
        descriptor = str(package / "demo-vm.ovf")
        reference = self.opened(environment, "import.ovf", "-name", name, descriptor)
        stub = self.stub(simulator, service, environment)
        kinds = {
            kind: iter(sorted(package.glob(f"*{kind}"))) for kind in (".vmdk", ".nvram", ".iso")
        }
        with open_lease(reference, stub) as lease:
            device_urls = lease.wait_ready(10).deviceUrl
            for device_url in device_urls:
                path = next(kinds[Path(device_url.targetId).suffix])
                assert lease.upload(device_url, path).verified == "manifest"
        assert len(device_urls) >= 4
        stub.DropConnections()
        assert find(service, vim.VirtualMachine, name).name == name
