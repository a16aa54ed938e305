from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pyVim.connect import Disconnect
from pyVmomi import vim, vmodl

from nfclease.simulator import Simulator

from .support.calls import by_path, disks, get, manifest, ready, request, wait_for_task, wait_until
from .support.rawtls import RawTls
from .support.streamwalk import walk


@pytest.fixture
def short() -> Iterator[Simulator]:
    """One whose leases a test lets expire."""
    with Simulator(disk_size=1 << 20, initializing=0) as simulator:
        yield simulator


def test_info(simulator: Simulator, demo_vm: Any, lease: Any) -> None:
    info = lease.info
    assert re.fullmatch(r"session\[[0-9a-f-]{36}\][0-9a-f-]{36}", lease._moId)
    assert info.lease == lease
    assert info.entity == demo_vm
    assert info.leaseTimeout == 300
    assert info.totalDiskCapacityInKB > 0
    names = [url.targetId for url in info.deviceUrl]
    assert names == ["disk-0.iso", "disk-1.vmdk", "disk-2.vmdk", "disk-3.vmdk", "demo-vm.nvram"]
    assert [url.disk for url in info.deviceUrl] == [False, True, True, True, False]
    assert [bool(url.fileSize) for url in info.deviceUrl] == [True, False, False, False, True]
    for url in info.deviceUrl:
        assert not url.importKey
        assert url.sslThumbprint == simulator.disk_thumbprint_sha1
        assert url.url.startswith(f"https://{simulator.disk_host}:{simulator.disk_port}/nfc/")
        assert url.url.startswith(url.datastoreKey)
    assert info.deviceUrl[1].key == f"/{demo_vm._moId}/ParaVirtualSCSIController0:0"
    assert lease.initializeProgress == 100
    assert lease.capabilities.pullModeSupported
    assert lease.mode == "pushOrGet"


def test_nothing_before_ready(demo_vm: Any) -> None:
    lease = demo_vm.ExportVm()
    assert lease.state == "initializing"
    assert lease.info is None
    lease.Progress(0)  # some scripts start early
    with pytest.raises(vim.fault.InvalidState):
        lease.GetManifest()
    ready(lease).Complete()
    assert lease.info is None


def test_sums_of_what_was_sent(simulator: Simulator, lease: Any) -> None:
    assert lease.GetManifest() == []
    for number, url in enumerate(lease.info.deviceUrl, 1):
        data = get(url.url)
        entries = manifest(lease)
        assert len(entries) == number
        entry = entries[url.key]
        assert (entry.sha1, entry.size) == (hashlib.sha1(data).hexdigest(), len(data))
        assert (entry.checksum, entry.checksumType) == (entry.sha1, "sha1")
        assert entry.disk == url.disk
        if url.disk:
            seen = walk(data)
            assert entry.capacity == seen["capacity"]
            assert entry.populatedSize == seen["grains"] << 16
        else:
            assert url.fileSize == len(data)
    [recorded] = [r for r in simulator.requests() if r["path"].endswith("disk-1.vmdk")]
    assert recorded["sha1"] == entries[disks(lease)[0].key].sha1
    assert (recorded["status"], recorded["aborted"], recorded["listener"]) == (200, False, "host")


def test_headers(lease: Any) -> None:
    response, _ = request("GET", disks(lease)[0].url)
    assert response.getheader("Content-Length") is None
    assert response.getheader("Transfer-Encoding") == "chunked"
    response, body = request("GET", lease.info.deviceUrl[0].url)
    assert response.getheader("Content-Length") == str(len(body))


def test_two_streams_of_one_disk(lease: Any) -> None:
    first, second = (get(disks(lease)[0].url) for _ in range(2))
    assert len(first) == len(second)
    assert first != second
    assert manifest(lease)[disks(lease)[0].key].sha1 == hashlib.sha1(second).hexdigest()


def test_stable_streams(simulator: Simulator, lease: Any) -> None:
    simulator.set(stable_streams=True)
    assert get(disks(lease)[0].url) == get(disks(lease)[0].url)
    simulator.set(stable_streams=False)


def test_sha256_when_asked_for(lease: Any) -> None:
    disk, other = disks(lease)[:2]
    lease.SetManifestChecksumType([vim.KeyValue(key=disk.key, value="sha256")])
    data = get(disk.url)
    get(other.url)
    entries = manifest(lease)
    assert entries[disk.key].checksumType == "sha256"
    assert entries[disk.key].checksum == hashlib.sha256(data).hexdigest()
    assert entries[disk.key].sha1 == hashlib.sha1(data).hexdigest()
    assert entries[other.key].checksumType == "sha1"
    with pytest.raises(vmodl.fault.InvalidArgument):
        lease.SetManifestChecksumType([vim.KeyValue(key=disk.key, value="sha512")])


def test_complete_once(simulator: Simulator, lease: Any) -> None:
    disk = disks(lease)[0]
    lease.Progress(140)  # scripts do that
    assert lease.transferProgress == 140
    lease.Complete()
    assert lease.state == "done"
    assert lease.error is None
    for call in (lease.Complete, lease.Abort, lease.GetManifest):
        with pytest.raises(vim.fault.InvalidState):
            call()
    assert request("GET", disk.url)[0].status == 404
    [call] = simulator.calls("HttpNfcLeaseProgress", moid=lease._moId)
    assert (call["args"], call["result"]) == ({"percent": 140}, "ok")
    assert [c["result"] for c in simulator.calls("HttpNfcLeaseComplete")] == [
        "ok",
        "vim.fault.InvalidState",
    ]


def test_abort_with_and_without_a_fault(simulator: Simulator, demo_vm: Any) -> None:
    lease = ready(demo_vm.ExportVm())
    lease.Abort(vmodl.fault.SystemError(msg="no space", reason="disk full"))
    assert lease.state == "error"
    assert type(lease.error).__name__ == "vmodl.fault.SystemError"
    assert (lease.error.msg, lease.error.reason) == ("no space", "disk full")
    lease = demo_vm.ExportVm()
    lease.Abort()
    assert isinstance(lease.error, vmodl.fault.RequestCanceled)
    aborts = simulator.calls("HttpNfcLeaseAbort")
    assert aborts[0]["args"] == {"fault": {"fault": "vmodl.fault.SystemError", "msg": "no space"}}
    assert aborts[1]["args"] == {}


def test_expiry(short: Simulator) -> None:
    session = short.connect()
    vm = by_path(session, "vm/demo-vm")
    lease = ready(vm.ExportVm())
    short.set(lease_timeout=1)
    assert lease.info.leaseTimeout == 1
    disk = disks(lease)[0]
    renewed = time.monotonic()
    lease.Progress(1)
    wait_until(lambda: lease.state == "error")
    assert time.monotonic() - renewed >= 1
    assert isinstance(lease.error, vim.fault.Timedout)
    for call in (lease.Complete, lease.Abort, lease.GetManifest, lambda: lease.Progress(1)):
        with pytest.raises(vim.fault.Timedout):
            call()
    assert request("GET", disk.url)[0].status == 404
    wait_for_task(vm.PowerOn())
    Disconnect(session)


def test_progress_starts_the_clock_again(short: Simulator) -> None:
    session = short.connect()
    vm = by_path(session, "vm/demo-vm")
    lease = ready(vm.ExportVm())
    while not renewed_in_time(short, lease):  # nobody's fault on a busy machine
        short.set(lease_timeout=300)
        lease = ready(vm.ExportVm())
    time.sleep(1.3)  # the second that it had before
    assert lease.state == "ready"
    lease.Abort()
    Disconnect(session)


def renewed_in_time(simulator: Simulator, lease: Any) -> bool:
    """Gives it a second, and then a long time; False if the second was over before that."""
    simulator.set(lease_timeout=1)
    lease.Progress(1)
    simulator.set(lease_timeout=300)
    try:
        lease.Progress(1)
    except vim.fault.Timedout:
        first, second = simulator.calls("HttpNfcLeaseProgress")[-2:]
        assert second["t"] - first["t"] >= 1
        return False
    return True


def test_the_end_of_a_lease_cuts_transfers(simulator: Simulator, lease: Any) -> None:
    simulator.inject("bandwidth", bytes_per_second=100_000)
    host, port = simulator.disk_host, simulator.disk_port
    path = disks(lease)[0].url.partition(f":{port}")[2]
    with RawTls(host, port) as connection:
        connection.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert connection.receive()
        assert simulator.expire(lease._moId) == 1
        while connection.receive():
            pass
        assert connection.ending == "reset"
    wait_until(lambda: simulator.requests()[0]["ended"])
    assert simulator.requests()[0]["aborted"]


def test_a_held_vm_is_left_alone(demo_vm: Any, lease: Any) -> None:
    relocate = vim.vm.RelocateSpec()
    for operation in (
        demo_vm.PowerOn,
        demo_vm.Destroy,
        lambda: demo_vm.Relocate(relocate),
        lambda: demo_vm.Migrate(priority="defaultPriority"),
        lambda: demo_vm.CreateSnapshot_Task("no", "", False, False),
    ):
        with pytest.raises(vim.fault.TaskInProgress) as refused:
            operation()
        assert refused.value.task.info.descriptionId == "VirtualMachine.exportVm"
    assert "PowerOnVM_Task" in demo_vm.disabledMethod
    other = ready(demo_vm.ExportVm())  # but several leases may hold it
    other.Complete()


def test_a_running_vm(simulator: Simulator, service: Any) -> None:
    vm = by_path(service, "vm/running-vm")
    with pytest.raises(vim.fault.InvalidPowerState) as refused:
        vm.ExportVm()
    assert refused.value.existingState == "poweredOn"
    lease = ready(vm.snapshot.currentSnapshot.ExportSnapshot())
    walk(get(disks(lease)[0].url))
    lease.Complete()


def test_a_vapp(service: Any) -> None:
    vapp = by_path(service, "vm/demo-vapp")
    lease = ready(vapp.ExportVApp())
    assert lease.info.entity == vapp
    assert [url.targetId for url in lease.info.deviceUrl] == ["disk-0.vmdk", "vapp-vm.nvram"]
    lease.Complete()


def test_names_with_spaces(simulator: Simulator, service: Any) -> None:
    simulator.add_vm("a b & c", disks=1, disk_size=1 << 20)
    lease = ready(by_path(service, "vm/a b & c").ExportVm())
    nvram = lease.info.deviceUrl[-1]
    assert nvram.targetId == "a b & c.nvram"
    assert nvram.url.endswith("/a%20b%20%26%20c.nvram")
    assert len(get(nvram.url)) == nvram.fileSize
    lease.Complete()


def test_pull_mode(lease: Any) -> None:
    source = vim.HttpNfcLease.SourceFile(targetDeviceId="x", url="https://x/", create=False)
    with pytest.raises(vim.fault.HttpFault):
        wait_for_task(lease.PullFromUrls([source]))
    assert [result.serverAccessible for result in lease.ProbeUrls([source])] == [False]


def test_leases_are_listed(simulator: Simulator, demo_vm: Any, lease: Any) -> None:
    get(disks(lease)[0].url)
    [listed] = [one for one in simulator.leases() if one["moid"] == lease._moId]
    assert (listed["state"], listed["kind"], listed["entity"]) == ("ready", "export", demo_vm._moId)
    assert listed["last_progress_age"] < 60
    assert [entry["name"] for entry in listed["manifest"]] == ["disk-1.vmdk"]


def test_calls_are_answered_during_transfers(simulator: Simulator, lease: Any) -> None:
    simulator.inject("bandwidth", bytes_per_second=1 << 20)
    threads = [threading.Thread(target=get, args=(url.url,)) for url in disks(lease)]
    for thread in threads:
        thread.start()
    slowest = 0.0
    while any(thread.is_alive() for thread in threads):
        begun = time.monotonic()
        lease.Progress(1)
        slowest = max(slowest, time.monotonic() - begun)
        time.sleep(0.05)
    assert slowest < 1
