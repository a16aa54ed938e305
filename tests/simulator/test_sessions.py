from __future__ import annotations

import gc
import re
import signal
import ssl
import subprocess
import sys
import time
from typing import Any

import pytest
from pyVim.connect import Disconnect
from pyVmomi import SoapAdapter, VmomiSupport, vim, vmodl

from nfclease.simulator import Simulator, SimulatorError

from .support.calls import by_path, disks, get, ready, request

ENVELOPE = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:v="urn:vim25"><soapenv:Body>{}</soapenv:Body></soapenv:Envelope>'
)


def test_what_it_says_it_is(simulator: Simulator, service: Any) -> None:
    about = service.content.about
    assert (about.apiType, about.apiVersion) == ("VirtualCenter", "8.0.3.0")
    assert about.instanceUuid
    assert service._stub.versionId == '"urn:vim25/8.0.3.0"'
    assert service.content.sessionManager.currentSession.userName == simulator.user
    assert abs(service.CurrentTime().timestamp() - time.time()) < 60


def test_inventory(simulator: Simulator, service: Any) -> None:
    views = service.content.viewManager
    view = views.CreateContainerView(service.content.rootFolder, [vim.VirtualMachine], True)
    machines = {vm.name: vm for vm in view.view}
    assert sorted(machines) == sorted(simulator.vms) == ["demo-vm", "running-vm", "vapp-vm"]
    view.Destroy()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = view.view
    assert machines["demo-vm"].runtime.powerState == "poweredOff"
    running = machines["running-vm"]
    assert running.runtime.powerState == "poweredOn"
    assert running.snapshot.rootSnapshotList[0].name == "before"
    assert machines["vapp-vm"].parentVApp.name == "demo-vapp"
    demo = machines["demo-vm"]
    assert demo.resourcePool.name == "Resources"
    assert demo.datastore[0].summary.name == "datastore1"
    assert demo.network[0].name == "VM Network"
    hardware = [type(device).__name__ for device in demo.config.hardware.device]
    assert hardware.count("vim.vm.device.VirtualDisk") == 3
    assert demo.summary.storage.unshared > 0
    assert by_path(service, "host/Cluster/Resources/demo-vapp/vapp-vm").name == "vapp-vm"
    index = service.content.searchIndex
    assert index.FindByUuid(None, demo.config.uuid, True) == demo
    assert index.FindChild(demo.parent, "demo-vm") == demo
    assert index.FindByInventoryPath("DC0/vm/none") is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_wrong_password(simulator: Simulator) -> None:
    with pytest.raises(vim.fault.InvalidLogin):
        simulator.connect(pwd="wrong")
    gc.collect()  # pyvmomi leaves this connection to the collector
    assert "wrong" not in simulator.calls("Login")[-1]["raw"]


def test_without_a_session(simulator: Simulator, service: Any) -> None:
    stub = SoapAdapter.SoapStubAdapter(
        simulator.host,
        simulator.port,
        sslContext=simulator.ssl_context(),
        version="vim.version.version9",
    )
    vm = vim.VirtualMachine(by_path(service, "vm/demo-vm")._moId, stub)
    with pytest.raises(vim.fault.NotAuthenticated):
        _ = vm.name
    assert vim.ServiceInstance("ServiceInstance", stub).content.about.apiType == "VirtualCenter"
    stub.DropConnections()


def test_the_cookie_needs_its_quotes(simulator: Simulator, service: Any) -> None:
    cookie = service._stub.cookie
    assert re.match(r'vmware_soap_session="[0-9a-f-]{36}"; Path=/; HttpOnly; Secure', cookie)
    service._stub.cookie = cookie.replace('"', "")
    with pytest.raises(vim.fault.NotAuthenticated):
        _ = service.content.rootFolder.name
    service._stub.cookie = cookie
    assert service.content.rootFolder.name == "Datacenters"


def test_logout_ends_it(simulator: Simulator) -> None:
    session = simulator.connect()
    root = session.content.rootFolder
    session.content.sessionManager.Logout()
    with pytest.raises(vim.fault.NotAuthenticated):
        _ = root.name
    Disconnect(session)


def test_unknown_things(service: Any, demo_vm: Any) -> None:
    with pytest.raises(vmodl.fault.ManagedObjectNotFound) as gone:
        _ = vim.VirtualMachine("vm-none", service._stub).name
    assert gone.value.obj._moId == "vm-none"
    with pytest.raises(vmodl.fault.MethodNotFound) as unknown:
        demo_vm.UpgradeVM_Task()
    assert unknown.value.method == "UpgradeVM_Task"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<a/>",
        '<!DOCTYPE a [<!ENTITY b "c">]>' + ENVELOPE.format(""),
        ENVELOPE.format("<v:CurrentTime/>"),
        ENVELOPE.format('<v:CurrentTime><v:_this type="None">x</v:_this></v:CurrentTime>'),
    ],
)
def test_unreadable_requests(simulator: Simulator, body: str) -> None:
    response, answer = request("POST", simulator.url, body)
    assert response.status == 500
    assert b"InvalidRequestFault" in answer


@pytest.mark.parametrize("action", ['"urn:vim25/6.5"', "urn:vim25/9.1.0.0", "urn:vim25", ""])
@pytest.mark.parametrize("chunked", [False, True])
def test_ways_to_ask(simulator: Simulator, action: str, chunked: bool) -> None:
    """Prefixed names, with and without quotes in SOAPAction, with and without a length."""
    this = '<v:_this type="ServiceInstance">ServiceInstance</v:_this>'
    body = ENVELOPE.format(f"<v:CurrentTime>{this}</v:CurrentTime>").encode()
    sent: Any = iter([body]) if chunked else body
    response, answer = request("POST", simulator.url, sent, {"SOAPAction": action})
    assert response.status == 200
    assert b"<returnval>20" in answer


def test_newer_fields_are_not_sent(simulator: Simulator) -> None:
    session = simulator.connect(version="vim.version.version11")
    ready(by_path(session, "vm/demo-vm").ExportVm()).Abort()
    this = session.content.rootFolder
    assert session._stub.versionId == '"urn:vim25/6.5"'
    assert this.name == "Datacenters"
    Disconnect(session)


@pytest.mark.parametrize(
    ("offered", "spoken", "checksum", "certificate"),
    [
        ("6.5", "vim.version.version11", False, False),
        ("8.0.3.0", "vim.version.v8_0_3_0", True, False),
        pytest.param(
            "9.0.0.0",
            "vim.version.v9_0_0_0",
            True,
            True,
            marks=pytest.mark.skipif(
                "vim25/9.0.0.0" not in VmomiSupport.versionMap, reason="needs pyvmomi 9.0"
            ),
        ),
    ],
)
def test_what_a_version_shows(offered: str, spoken: str, checksum: bool, certificate: bool) -> None:
    with Simulator(disk_size=1 << 20, initializing=0, api_version=offered) as simulator:
        session = simulator.connect()
        assert session._stub.version == spoken
        lease = ready(by_path(session, "vm/demo-vm").ExportVm())
        disk = disks(lease)[0]
        assert bool(getattr(disk, "sslCertificate", None)) == certificate
        if certificate:
            pem = ssl.get_server_certificate((simulator.disk_host, simulator.disk_port))
            assert disk.sslCertificate.strip() == pem.strip()
        get(disk.url)
        [entry] = lease.GetManifest()
        assert bool(entry.checksum) == bool(entry.checksumType) == checksum
        lease.Complete()
        Disconnect(session)


def test_a_single_host() -> None:
    with Simulator(disk_size=1 << 20, initializing=0, esx=True) as simulator:
        session = simulator.connect()
        assert session.content.about.apiType == "HostAgent"
        vm = session.content.searchIndex.FindByInventoryPath("ha-datacenter/vm/demo-vm")
        lease = ready(vm.ExportVm())
        disk = disks(lease)[0]
        assert disk.url.startswith(f"https://*:{simulator.port}/ha-nfc/")
        assert disk.sslThumbprint == simulator.thumbprint_sha1
        get(disk.url.replace("*", simulator.host))
        assert simulator.requests()[-1]["listener"] == "vcenter"
        lease.Complete()
        Disconnect(session)


def test_without_tls() -> None:
    with Simulator(disk_size=1 << 20, initializing=0, tls=False) as simulator:
        assert simulator.ca_file is None
        session = simulator.connect()
        lease = ready(by_path(session, "vm/demo-vm").ExportVm())
        disk = disks(lease)[0]
        assert disk.url.startswith("http://")
        assert not disk.sslThumbprint
        get(disk.url)
        lease.Complete()
        Disconnect(session)


def test_one_seed_makes_one_world() -> None:
    def start() -> tuple[str, bytes]:
        options: dict[str, Any] = {"disk_size": 1 << 20, "initializing": 0, "stable_streams": True}
        with Simulator(seed=7, **options) as simulator:
            session = simulator.connect()
            lease = ready(by_path(session, "vm/demo-vm").ExportVm())
            data = get(disks(lease)[0].url)
            about = session.content.about.instanceUuid
            Disconnect(session)
            return about, data

    assert start() == start()


@pytest.mark.parametrize("how", ["stdin", signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once(how: Any) -> None:
    command = [sys.executable, "-m", "nfclease.simulator", "--disk-size", "1m"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"{")
    begun = time.monotonic()
    if how == "stdin":
        process.stdin.close()
    else:
        process.send_signal(how)
    assert process.wait(10) == 0
    assert time.monotonic() - begun < 2
    assert process.stdout.read() == b""
    process.stdin.close()
    process.stdout.close()


def test_what_it_cannot_do_it_says() -> None:
    command = [sys.executable, "-m", "nfclease.simulator"]
    for options, message in (
        (["--api-version", "1.2"], "does not know the API version '1.2'"),
        (["--disk-size", "much"], "invalid parse_size value: 'much'"),
    ):
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    with pytest.raises(SimulatorError):
        Simulator(api_version="1.2")


def test_the_client_is_light() -> None:
    code = (
        "import sys, nfclease.simulator.client as c; c.Simulator; print('aiohttp' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_stop_can_be_called_again() -> None:
    simulator = Simulator(disk_size=1 << 20)
    assert simulator.stop() == 0
    assert simulator.stop() == 0


def test_control_needs_its_token(simulator: Simulator) -> None:
    response, _ = request("POST", simulator.control_url, "{}", {"X-Control-Token": "guess"})
    assert response.status == 403
    with pytest.raises(ValueError, match="no fault 'none'"):
        simulator.inject("none")
    with pytest.raises(ValueError, match="does not exist"):
        simulator.vm_files("none")
