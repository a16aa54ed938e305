"""Wrong uses, each with the error that a checker must report there; never run."""

from __future__ import annotations

from pyVmomi import vim

from nfclease import AsyncHttpNfcLease, HttpNfcLease, NfcError, Transfer, TransferResult
from nfclease.simulator import Simulator


def construction(lease: vim.HttpNfcLease, vm: vim.VirtualMachine) -> None:
    HttpNfcLease()  # expect: call-arg
    HttpNfcLease(vm)  # expect: arg-type
    HttpNfcLease(lease, None, None, "sha1")  # expect: call-arg
    HttpNfcLease(lease, checksum_type=256)  # expect: arg-type
    HttpNfcLease(lease, keep_alive_interval="5")  # expect: arg-type
    HttpNfcLease(lease, max_concurrency=2.5)  # expect: arg-type
    HttpNfcLease(lease, retries=3)  # expect: call-arg


def calls(lease: HttpNfcLease, files: list[vim.HttpNfcLease.SourceFile]) -> None:
    lease.Progress()  # expect: call-arg
    lease.Progress("50")  # expect: arg-type
    lease.HttpNfcLeaseProgress(12.5)  # expect: arg-type
    lease.HttpNfcLeaseProgress(pct=1)  # expect: call-arg
    lease.Complete(True)  # expect: call-arg
    lease.HttpNfcLeaseComplete(1)  # expect: call-arg
    lease.Abort("because")  # expect: arg-type
    lease.Abort(ValueError("because"))  # expect: arg-type
    lease.HttpNfcLeaseAbort(reason=None)  # expect: call-arg
    lease.GetManifest(1)  # expect: call-arg
    lease.HttpNfcLeaseSetManifestChecksumType({"key": "sha1"})  # expect: arg-type
    lease.HttpNfcLeaseProbeUrls(files, "5")  # expect: arg-type
    lease.info.deviceUrl  # expect: union-attr
    lease.HttpNfcLeasePogress(5)  # expect: attr-defined
    lease.downlaod_all("out")  # expect: attr-defined
    HttpNfcLease.Stat  # expect: attr-defined


def transfers(lease: HttpNfcLease, device_url: vim.HttpNfcLease.DeviceUrl) -> None:
    lease.download("disk-1.vmdk", "out")  # expect: arg-type
    lease.download(device_url, 1)  # expect: arg-type
    lease.download(device_url, open("out", "w"))  # expect: arg-type
    lease.download(device_url, "out", True)  # expect: call-arg
    lease.download_all(b"out")  # expect: arg-type
    lease.upload(device_url, 5)  # expect: arg-type
    lease.upload("disk-1.vmdk", "in")  # expect: arg-type
    lease.start_download(device_url)  # expect: call-arg
    lease.wait_ready("60")  # expect: arg-type
    with lease as held:
        held.nothing()  # expect: attr-defined


async def in_a_loop(
    plain: vim.HttpNfcLease, lease: AsyncHttpNfcLease, device_url: vim.HttpNfcLease.DeviceUrl
) -> None:
    AsyncHttpNfcLease(plain, checksum_type=256)  # expect: arg-type
    AsyncHttpNfcLease(plain, retries=3)  # expect: call-arg
    lease.Progress(1)  # expect: unused-coroutine
    await lease.Progress("50")  # expect: arg-type
    await lease.Abort("because")  # expect: arg-type
    await lease.SetManifestChecksumType("sha1")  # expect: arg-type
    await lease.download(device_url, 1)  # expect: arg-type
    lease.download_all("out").name  # expect: attr-defined
    await lease.downlaod(device_url)  # expect: attr-defined
    if lease.state == "ready":  # expect: comparison-overlap
        print(len(lease.info))  # expect: arg-type
    with lease:  # expect: attr-defined
        print(await lease.lease)  # expect: misc


def results(transfer: Transfer, result: TransferResult, error: NfcError) -> None:
    transfer.key = "other"  # expect: misc
    transfer.result().sha1  # expect: attr-defined
    transfer.progress.percent  # expect: attr-defined
    result.bytes = 5  # expect: misc
    if result.verified == "sums":  # expect: comparison-overlap
        print(result.verified)
    print(error.status)  # expect: attr-defined
    total: int = transfer.progress.bytes_total  # expect: assignment
    print(total + error.phase)  # expect: operator


def simulated(simulator: Simulator) -> None:
    simulator.inject(5)  # expect: arg-type
    simulator.add_vm("vm", 3)  # expect: call-arg
    simulator.crash()  # expect: attr-defined
