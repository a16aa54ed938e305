"""Typed user code with every public name of nfclease; checked, never run."""

from __future__ import annotations

import concurrent.futures
import io
import os
from pathlib import Path
from typing import Any, Literal

from pyVmomi import vim, vmodl
from typing_extensions import assert_type

import nfclease
import nfclease.exceptions
import nfclease.fleet
import nfclease.inventory
from nfclease import (
    AsyncHttpNfcLease,
    HttpNfcLease,
    Transfer,
    TransferProgress,
    TransferResult,
    fleet,
    image,
)
from nfclease.simulator import Simulator, SimulatorError


class Digest:
    """A file object of one's own."""

    def write(self, data: bytes) -> None: ...


def export(vm: vim.VirtualMachine, directory: Path) -> list[TransferResult]:
    with HttpNfcLease(vm.ExportVm()) as lease:
        assert_type(lease, HttpNfcLease)
        info = assert_type(lease.wait_ready(timeout=60), vim.HttpNfcLease.Info)
        for device_url in info.deviceUrl:
            one = lease.download(device_url, directory / "disk.vmdk", overwrite=True)
            assert_type(one, TransferResult)
        return lease.download_all(os.fspath(directory))


def import_(
    lease: vim.HttpNfcLease, item: vim.OvfManager.FileItem, device_url: vim.HttpNfcLease.DeviceUrl
) -> None:
    ours = HttpNfcLease(
        lease,
        checksum_type="sha256",
        keep_alive=True,
        keep_alive_interval=5,
        max_concurrency=8,
        max_retries=0,
        retry_timeout=30,
        timeout=30.0,
        require_manifest=True,
        require_uploads=[item],
        verify_format=False,
        verify_size=False,
        max_bytes_per_second=50_000_000,
        allow_http=True,
    )
    assert_type(nfclease.set_max_bytes_per_second(1 << 20, ours), int | None)
    nfclease.set_max_bytes_per_second(None)
    ours.upload(item, b"bytes")
    ours.upload(device_url, io.BytesIO())
    ours.upload(device_url, io.FileIO("a.vmdk"))
    ours.upload(device_url, bytearray(b"bytes"))
    ours.download(device_url, io.FileIO("b.vmdk", "wb"))
    ours.download(device_url, Digest())
    assert_type(ours.start_upload(item, "a.vmdk", progress=told, convert=True), Transfer)
    assert_type(ours.start_download(device_url, io.BytesIO(), progress=told), Transfer)
    ours.close()


def handed_on(lease: HttpNfcLease) -> vim.HttpNfcLease:
    nfclease.cancel_all(timeout=5)
    return assert_type(lease.detach(), vim.HttpNfcLease)


def adopt(service: vim.ServiceInstance) -> HttpNfcLease:
    return HttpNfcLease("session[1]lease", service._stub, serverGuid=None)


def as_pyvmomi_has_it(
    lease: HttpNfcLease,
    files: list[vim.HttpNfcLease.SourceFile],
    types: list[vim.KeyValue],
    fault: vmodl.MethodFault,
) -> None:
    """A lease is a ``vim.HttpNfcLease`` to a checker too, under both names of each call."""
    plain: vim.HttpNfcLease = lease
    assert_type(lease.state, vim.HttpNfcLease.State)
    assert_type(lease.info, vim.HttpNfcLease.Info | None)
    assert_type(lease.initializeProgress, int)
    assert_type(lease.transferProgress, int)
    assert_type(lease.capabilities, vim.HttpNfcLease.Capabilities)
    assert_type(lease.mode, str)
    lease.Progress(50)
    lease.Progress(percent=50)
    lease.HttpNfcLeaseProgress(50)
    lease.HttpNfcLeaseProgress(percent=50)
    assert_type(lease.GetManifest(), list[vim.HttpNfcLease.ManifestEntry])
    assert_type(lease.HttpNfcLeaseGetManifest(), list[vim.HttpNfcLease.ManifestEntry])
    lease.SetManifestChecksumType(types)
    lease.HttpNfcLeaseSetManifestChecksumType(types)
    assert_type(lease.PullFromUrls(files), vim.Task)
    assert_type(lease.HttpNfcLeasePullFromUrls_Task(files), vim.Task)
    assert_type(lease.ProbeUrls(files), list[vim.HttpNfcLease.ProbeResult])
    assert_type(lease.HttpNfcLeaseProbeUrls(files, 5), list[vim.HttpNfcLease.ProbeResult])
    plain.Complete()
    lease.Complete()
    lease.HttpNfcLeaseComplete()
    lease.Abort()
    lease.Abort(fault)
    lease.Abort(fault=None)
    lease.HttpNfcLeaseAbort()
    lease.HttpNfcLeaseAbort(fault=fault)
    if lease.error is not None:
        raise lease.error


def told(snapshot: nfclease.TransferProgress) -> None:
    assert_type(snapshot.rate, float)
    assert_type(snapshot.seconds_left, float | None)
    assert_type([snapshot.done, snapshot.failed], list[bool])
    assert_type(snapshot.disk_capacity, int | None)
    print(snapshot.name, snapshot.key, snapshot.bytes_done, snapshot.bytes_total)


def shown(lease: HttpNfcLease, directory: Path) -> list[TransferResult]:
    lease.upload(lease.wait_ready().deviceUrl[0], b"x", progress=True)
    lease.upload_all([], directory, urls=lambda device_url: device_url.url, convert=True)
    return lease.download_all(directory, progress=told)


async def exported(
    vm: vim.VirtualMachine, vapp: vim.VirtualApp, snapshot: vim.vm.Snapshot
) -> nfclease.ExportResult:
    result = nfclease.export_vm(vm, Path("out"), snapshot=True, include=["*.iso"], timeout=30.0)
    assert_type(result, nfclease.ExportResult)
    assert_type(result.files, tuple[nfclease.ExportedFile, ...])
    resumed = nfclease.export_vm(vm, "a.ova", resume=True, overwrite=True)
    assert_type(resumed.files[0].reused, bool)
    nfclease.export_vm(vapp, "a.ova", include=lambda device: bool(device.disk), manifest=None)
    nfclease.export_vm(vm, Digest(), snapshot=snapshot, manifest="sha512", progress=told)
    return await nfclease.export_vm_async(snapshot, "a.ova", export_options=["mac"])


async def looked_at() -> list[str]:
    info = assert_type(nfclease.inspect("a.ova"), nfclease.PackageInfo)
    assert_type(info.manifest, nfclease.ManifestFile | None)
    await nfclease.inspect_async("out")
    found = assert_type(nfclease.verify("a.ova", strict=True), nfclease.VerifyResult)
    assert_type(found.files, tuple[nfclease.VerifiedFile, ...])
    assert_type(found.disks, tuple[nfclease.VerifiedDisk, ...])
    assert_type(nfclease.verify("package", grains=True).disks[0].sectors, tuple[int, int] | None)
    return list((await nfclease.verify_async("out")).problems)


async def disks() -> list[image.DiskExtent]:
    assert_type(nfclease.inspect("a.vmdk").image, nfclease.DiskInfo | None)
    with image.open(Path("a.ova"), member="a.vmdk") as disk:
        assert_type(disk, image.DiskReader)
        assert_type(disk.read(5) + disk.read_at(0, 512), bytes)
        assert_type(disk.info.picture(ascii_only=True), str)
        assert_type(disk.size, int)
    made = assert_type(image.normalise("a.vmdk", "b.vmdk", grains=True), image.Normalised)
    assert_type(made.files, tuple[image.NormalisedFile, ...])
    await image.normalise_async("a.ova", Path("b.ova"), overwrite=True, progress=told)
    return list(image.map("a.vmdk"))


async def imported(pool: vim.ResourcePool, net: vim.Network) -> nfclease.ImportResult:
    networks: dict[str, vim.Network | str] = {"VM Network": net, "Other": "Lab Network"}
    made = nfclease.import_vapp("a.ova", pool, networks=networks, strict=True, timeout=30.0)
    assert_type(made.files, tuple[nfclease.ImportedFile, ...])
    plan = assert_type(
        nfclease.plan_import("a.ova", pool, networks={"*": net}), nfclease.ImportPlan
    )
    assert_type(plan.bytes, int | None)
    assert_type((await nfclease.plan_import_async("a", pool)).files[0], nfclease.PlannedFile)
    file = io.FileIO("a.ova")
    return await nfclease.import_vapp_async(file, pool, properties={"a.b": 5}, power_on=True)


async def copied(
    vm: vim.VirtualMachine, pool: vim.ResourcePool, net: vim.Network
) -> nfclease.CopyResult:
    made = nfclease.copy_vm(vm, pool, networks={"*": net}, snapshot=True, max_concurrency=2)
    assert_type(made, nfclease.CopyResult)
    assert_type(made.files, tuple[nfclease.CopiedFile, ...])
    assert_type(made.files[0].verified, Literal["manifest", "stream"])
    return await nfclease.copy_vm_async(vm, pool, name="x", power_on=True, progress=told)


async def in_a_loop(
    lease: vim.HttpNfcLease,
    item: vim.OvfManager.FileItem,
    files: list[vim.HttpNfcLease.SourceFile],
    types: list[vim.KeyValue],
) -> list[TransferResult]:
    async with AsyncHttpNfcLease(lease, checksum_type="sha256", max_concurrency=2) as ours:
        assert_type(ours.lease, HttpNfcLease)
        info = assert_type(await ours.wait_ready(), vim.HttpNfcLease.Info)
        assert_type(await ours.state, vim.HttpNfcLease.State)
        assert_type(await ours.info, vim.HttpNfcLease.Info | None)
        assert_type(await ours.initializeProgress + await ours.transferProgress, int)
        assert_type(await ours.capabilities, vim.HttpNfcLease.Capabilities)
        assert_type(await ours.mode, str)
        await ours.Progress(percent=1)
        await ours.HttpNfcLeaseProgress(2)
        assert_type(await ours.GetManifest(), list[vim.HttpNfcLease.ManifestEntry])
        assert_type(await ours.HttpNfcLeaseGetManifest(), list[vim.HttpNfcLease.ManifestEntry])
        await ours.SetManifestChecksumType(types)
        await ours.HttpNfcLeaseSetManifestChecksumType(types)
        assert_type(await ours.PullFromUrls(files), vim.Task)
        assert_type(await ours.HttpNfcLeasePullFromUrls_Task(files), vim.Task)
        assert_type(await ours.ProbeUrls(files), list[vim.HttpNfcLease.ProbeResult])
        assert_type(await ours.HttpNfcLeaseProbeUrls(files, 5), list[vim.HttpNfcLease.ProbeResult])
        started = assert_type(ours.start_download(info.deviceUrl[0], io.BytesIO()), Transfer)
        sent = assert_type(await ours.start_upload(item, b"bytes"), Transfer)
        one = assert_type(await ours.download(info.deviceUrl[0], "a.vmdk"), TransferResult)
        other = assert_type(await ours.upload(item, "a.vmdk"), TransferResult)
        async for snapshot in started:
            assert_type(snapshot, TransferProgress)
        print(await started, await sent, one, other, await ours.error)
        assert_type(await ours.upload_all([item], "out"), list[TransferResult])
        return await ours.download_all("out", overwrite=True)


async def ended_by_hand(lease: AsyncHttpNfcLease, fault: vmodl.MethodFault) -> None:
    await lease.Complete()
    await lease.HttpNfcLeaseComplete()
    await lease.Abort()
    await lease.HttpNfcLeaseAbort(fault)
    assert_type(await lease.detach(), vim.HttpNfcLease)
    await lease.close()


async def transfers(transfer: Transfer) -> TransferResult:
    assert_type(transfer.key, str)
    assert_type(transfer.name, str)
    assert_type(transfer.done(), bool)
    progress = assert_type(transfer.progress, TransferProgress)
    assert_type(progress.bytes_done, int)
    assert_type(progress.bytes_total, int | None)
    assert_type(progress.attempts, int)
    result = assert_type(transfer.result(timeout=1), TransferResult)
    assert_type(result.key + result.name + result.checksum + result.checksum_type, str)
    assert_type(result.bytes + result.attempts, int)
    assert_type(result.verified, Literal["manifest", "stream"])
    assert_type(result.seconds, float)
    print(result.path, result.file_checksum, result.file_checksum_type)
    print(result.capacity, result.populated_size)
    assert_type(transfer.exception(timeout=1), BaseException | None)
    assert_type([transfer.running(), transfer.cancelled(), transfer.cancel()], list[bool])
    transfer.add_done_callback(lambda one: print(one.name))
    for one in concurrent.futures.as_completed([transfer]):
        assert_type(one.result(), TransferResult)
    return await transfer


def failures(lease: HttpNfcLease) -> str:
    try:
        lease.wait_ready()
    except nfclease.ThumbprintMismatchError as error:
        return error.expected + error.actual
    except nfclease.ChecksumMismatchError as error:
        return error.expected + error.actual + error.checksum_type
    except nfclease.SizeMismatchError as error:
        return str(assert_type(error.expected - error.actual, int))
    except (nfclease.HttpStatusError, nfclease.UnexpectedRedirectError) as error:
        return str(assert_type(error.status, int))
    except nfclease.LimitExceededError as error:
        return error.limit + str(assert_type(error.allowed + error.seen, int))
    except nfclease.LeaseError as error:
        fault: Any = error.fault
        return f"{error.fault_name}: {fault.msg}"
    except nfclease.NfcError as error:
        assert_type(error.bytes_done + error.attempts, int)
        assert_type(error.retryable, bool)
        assert_type(error.files_left, list[str])
        return error.phase + error.disk_key + error.lease_state + error.lease_outcome
    except SimulatorError as error:
        return str(error)
    return nfclease.__version__


def looked_up(service: vim.ServiceInstance, datacenter: vim.Datacenter) -> None:
    try:
        vm = assert_type(nfclease.inventory.find(service, "web"), vim.VirtualMachine)
        pool = nfclease.inventory.find(service, None, vim.ResourcePool, datacenter="DC0")
        assert_type(pool, vim.ResourcePool)
        either = nfclease.inventory.find(service, "x", (vim.VirtualMachine, vim.VirtualApp))
        print(either, assert_type(nfclease.inventory.path_of(vm), str))
    except (nfclease.NotFoundError, nfclease.AmbiguousNameError) as error:
        assert_type(error.candidates, tuple[str, ...])
    every = nfclease.inventory.find_all(service, "*", vim.Network)
    assert_type(every, list[nfclease.inventory.Entry])
    machines = nfclease.inventory.list_vms(service, datacenter=datacenter)
    assert_type(machines, list[nfclease.inventory.VmEntry])
    assert_type(machines[0].committed, int | None)
    held: list[nfclease.inventory.BlockingTask] = nfclease.inventory.blocking_tasks(vm)
    held += nfclease.inventory.lease_tasks(service)
    assert_type(nfclease.inventory.cancel_task(held[0], timeout=30.0), bool)
    try:
        nfclease.export_vm(vm, "web")
    except nfclease.BlockedError as error:
        assert_type(error.tasks, tuple[nfclease.inventory.BlockingTask, ...])
        raise
    except nfclease.AmbiguousLeaseError as error:
        nfclease.inventory.cancel_task(error.tasks[0])


#: Each can be caught as what it also is.
AS_BUILTINS: list[tuple[type[nfclease.NfcError], type[Exception]]] = [
    (nfclease.AmbiguousLeaseError, ConnectionError),
    (nfclease.AmbiguousNameError, LookupError),
    (nfclease.BlockedError, vim.fault.TaskInProgress),
    (nfclease.CallTimeoutError, TimeoutError),
    (nfclease.ConnectError, ConnectionError),
    (nfclease.DiskFormatError, nfclease.IntegrityError),
    (nfclease.ForkError, RuntimeError),
    (nfclease.InsecureUrlError, ValueError),
    (nfclease.InternalError, nfclease.NfcError),
    (nfclease.JournalError, nfclease.NfcError),
    (nfclease.JournalInUseError, nfclease.JournalError),
    (nfclease.LeaseCompleteError, nfclease.LeaseError),
    (nfclease.LeaseInitError, nfclease.LeaseError),
    (nfclease.LeaseStateError, nfclease.exceptions.LeaseError),
    (nfclease.ManifestError, nfclease.IntegrityError),
    (nfclease.MissingUploadError, nfclease.IntegrityError),
    (nfclease.SourceChangedError, nfclease.IntegrityError),
    (nfclease.NotFoundError, LookupError),
    (nfclease.PackageError, ValueError),
    (nfclease.SessionExpiredError, nfclease.LeaseLostError),
    (nfclease.StallError, TimeoutError),
    (nfclease.TlsError, ConnectionError),
    (nfclease.TransferCancelledError, nfclease.NfcError),
    (nfclease.TruncatedError, nfclease.NfcError),
    (nfclease.LimitExceededError, nfclease.ProtocolError),
    (nfclease.UnsafePathError, ValueError),
]


def simulated() -> None:
    with Simulator(disks=2, api_version="6.7", tls=False) as simulator:
        service = simulator.connect(version="vim.version.version12")
        fault_id = assert_type(simulator.inject("cut", match="disk-1", after_bytes=4096), int)
        simulator.clear(fault_id)
        assert_type(simulator.expire(), int)
        assert_type(simulator.add_vm("vm-2", disks=1, iso=True), str)
        assert_type(simulator.add_vapp("vapp", vms=2), str)
        assert_type(simulator.hold_vm("vm-2", user="somebody", age=60), str)
        simulator.free_vm("vm-2")
        simulator.add_vms("web", 10, folders=2, disks=1, disk_size=1024)
        simulator.set(bandwidth=1 << 20)
        print(service.content.about.apiVersion, simulator.calls(method="Login"))
        print(simulator.requests(), simulator.leases(), simulator.vm_files("vm-2"))
        simulator.ssl_context().check_hostname = True
        simulator.reset()
        assert_type(simulator.stop(), int)


def keep(path: Path, error: nfclease.NfcError) -> None:
    failure = assert_type(nfclease.fleet.judge(error), nfclease.fleet.Failure)
    assert_type(failure.verdict, Literal["again", "later", "never"])
    file = nfclease.fleet.WrittenFile("/backup/web.ova", 1, 1, checksum_type="sha256", checksum="")
    outcome = nfclease.fleet.Outcome("a", "export", "web", "/backup/web.ova", "done", files=(file,))
    try:
        with nfclease.fleet.Journal(path) as journal:
            journal.note_lease("export web", "task-12")
            assert_type(journal.leases("export web"), tuple[str, ...])
            journal.plan("a", kind="export", vm="w", host="", disks=1, bytes=0, settings="{}")
            journal.start("a", attempt=1, target="/backup/web.ova", worker="here")
            journal.end(outcome)
            assert_type(journal.done("a", verify=True), nfclease.fleet.Outcome | None)
            assert_type(journal.interrupted(), list[str])
            assert_type([*journal.outcomes()], list[nfclease.fleet.Outcome])
    except nfclease.JournalInUseError as used:
        print(assert_type(used.process, int), used.host, assert_type(used.since, float))
    assert_type(next(nfclease.fleet.read_status(path)), dict[str, Any])
    event = nfclease.fleet.Event("ended", at=0.0, outcome=outcome)
    nfclease.fleet.JsonLines(io.StringIO())(event)
    progress = nfclease.fleet.Progress()
    nfclease.fleet.Lines(io.StringIO())(event)
    progress(event)
    assert_type(progress.seconds_left, float | None)
    assert_type(progress.hosts, dict[tuple[str, str], nfclease.fleet.HostProgress])
    assert_type(progress.running, dict[str, nfclease.fleet.JobProgress])
    with nfclease.fleet.Metrics(path, port=0, address="::1") as metrics:
        metrics(event)
        assert_type(metrics.port, int | None)


def many(told: list[fleet.Event], ended: list[fleet.Outcome]) -> tuple[fleet.WrittenFile, ...]:
    source = fleet.SessionFrom("vc", "me", "VC_PASSWORD", ca_file="ca.pem")
    fleet.register_session("lab", "my_company.vsphere:log_in")
    jobs = [fleet.ExportJob(source, "vm-12", "{vm}.ova", {"snapshot": True})]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        summary = fleet.run(jobs, executor=pool, progress=told.append, on_result=ended.append)
    assert_type(summary, fleet.Summary)
    plan = assert_type(fleet.plan(jobs, per_host=2, journal="a.db"), fleet.RunPlan)
    assert_type(plan.jobs, tuple[fleet.PlannedJob, ...])
    assert_type(plan.hosts, tuple[fleet.PlannedHost, ...])
    try:
        fleet.run([fleet.ImportJob("lab", "a.ova", "Resources")], per_host=2)
        fleet.run([fleet.CopyJob("lab", "vm-12", source, "Resources", folder="moved")])
    except fleet.SessionSourceError as error:
        assert_type(fleet.judge(error), fleet.Failure)
    except fleet.FleetError as error:
        assert_type(error.failures, tuple[fleet.Outcome, ...])
        assert_type(error.exceptions, tuple[fleet.JobFailedError, ...])
    return summary.done[0].files
