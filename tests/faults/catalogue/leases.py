"""E: what can become of a lease while it is needed."""

from __future__ import annotations

import time
from typing import Any

from nfclease import (
    LeaseCompleteError,
    LeaseInitError,
    LeaseLostError,
    SessionExpiredError,
)

from ..harness.case import FACES, LEASES, case
from ..harness.world import DISK, DISK_SIZE, World

MIDDLE = DISK_SIZE // 2
#: A lease that has to be renewed often.
SHORT = {"lease_timeout": 4.0}


@case(
    "E01",
    "the lease expires in the middle of a disk",
    "LeaseLostError within a second, nothing to abort",
    faces=FACES,
    stars=2,
)
def expires(world: World) -> None:
    world.simulator.inject("expire", disk=DISK, after_bytes=MIDDLE)
    with world.fails(LeaseLostError, ends=(), lease_outcome="lost"):
        world.job()


@case(
    "E02",
    "the lease ends in an error while it initializes",
    "LeaseInitError with the fault's name",
    faces=FACES,
    variants={"with a message": "no such disk", "without": None},
)
def init_error(world: World, message: str | None) -> None:
    fault = "vim.fault.FileNotFound"
    world.simulator.inject("init_error", fault=fault, message=message)
    with world.fails(LeaseInitError, says=message or "", ends=(), fault_name="FileNotFound"):
        world.job()


@case("E03", "a lease that initializes for ever", "LeaseInitError, and an Abort", faces=LEASES[:1])
def init_forever(world: World) -> None:
    from nfclease import HttpNfcLease

    world.simulator.inject("init_forever")
    with (
        world.fails(LeaseInitError, lease_state="initializing"),
        HttpNfcLease(world.vm.ExportVm()) as lease,
    ):
        lease.wait_ready(1.0)


@case(
    "E04",
    "Progress fails once, or ten times, and then works",
    "the data is not concerned",
    faces=FACES,
    variants={"once": 1, "ten times": 10},
    stars=1,
    options={"lease_timeout": 40.0},
)
def progress_stumbles(world: World, count: int) -> None:
    for kind in ("soap_status", "drop"):
        world.simulator.inject(kind, method="HttpNfcLeaseProgress", count=-(-count // 2))
    world.simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 2)
    world.job(keep_alive_interval=0.1)
    world.expect(world.simulator.calls("HttpNfcLeaseProgress"), "Progress was called")


@case(
    "E05",
    "Progress fails until the lease is nearly over",
    "LeaseLostError before the server ends it",
    deadline=40.0,
    options=SHORT,
)
def progress_is_dead(world: World) -> None:
    world.simulator.inject("stall", disk=DISK, after_bytes=MIDDLE)
    world.simulator.inject("soap_status", method="HttpNfcLeaseProgress", code=502)
    with world.fails(LeaseLostError, says="80 %", ends=("Abort",)):
        world.job(timeout=30.0)


REFUSALS = {
    name: f"{module}.fault.{name}"
    for module, name in (("vim", "InvalidState"), ("vmodl", "ManagedObjectNotFound"))
}


@case(
    "E06",
    "Progress says that the lease is not what it was",
    "LeaseLostError at once; one Abort after InvalidState where the lease reads ready, "
    "so that the VM is free, and none where the server knows no such lease",
    variants=REFUSALS,
    options=SHORT,
)
def progress_refused(world: World, fault: str) -> None:
    world.simulator.inject("stall", disk=DISK, after_bytes=MIDDLE)
    world.simulator.inject("soap_fault", method="HttpNfcLeaseProgress", fault=fault)
    name = fault.rpartition(".")[2]
    is_held = name == "InvalidState"
    with world.fails(LeaseLostError, says=name, ends=("Abort",) if is_held else ()):
        world.job(timeout=60.0)  # longer than the case may take: so it is not a stall
    world.held = int(not is_held)  # the server says that it is gone, which it is not


@case(
    "E07",
    "the session ends in the middle of a disk",
    "SessionExpiredError, and nobody logs in again for it",
    stars=1,
    options=SHORT,
)
def session_ends(world: World) -> None:
    world.simulator.inject("stall", disk=DISK, after_bytes=MIDDLE)
    fault = "vim.fault.NotAuthenticated"
    world.simulator.inject("soap_fault", method="HttpNfcLeaseProgress", fault=fault)
    logins = len(world.simulator.calls("Login"))
    with world.fails(SessionExpiredError, ends=()):
        world.job(timeout=20.0)
    world.held = 1  # nobody can abort it now; the server ends it in time
    more = len(world.simulator.calls("Login")) - logins
    world.expect(more <= (world.face == "fleet"), "no login but a fleet's own")


@case(
    "E08",
    "somebody else ends the lease while it is used",
    "LeaseLostError, and nothing that was not verified is kept",
    faces=LEASES[:1],
    variants={name: name for name in ("Abort", "Complete")},
)
def ended_by_another(world: World, name: str) -> None:
    from pyVmomi import vim

    from nfclease import HttpNfcLease

    from ...support.inventory import connected
    from ...support.leases import disk_of

    with (
        world.fails(LeaseLostError, ends=(name,)),
        HttpNfcLease(world.vm.ExportVm(), max_retries=0) as lease,
    ):
        disk = disk_of(lease)
        for session in connected(world.simulator):
            getattr(vim.HttpNfcLease(lease._moId, session._stub), name)()
        lease.download(disk, world.target / "disk-0.vmdk", overwrite=True)


@case(
    "E09",
    "the answer to Complete is lost",
    "it worked, and was completed once",
    faces=FACES,
    variants={"drop": {}, "soap_status": {"code": 503}},
    stars=2,
)
def complete_is_lost(world: World, params: dict[str, Any]) -> None:
    kind = "soap_status" if params else "drop"
    world.simulator.inject(kind, method="HttpNfcLeaseComplete", count=1, after=True, **params)
    world.job()


@case(
    "E10",
    "Complete is refused, always",
    "LeaseCompleteError, and the lease is aborted",
    faces=FACES,
)
def complete_is_refused(world: World) -> None:
    world.simulator.inject("soap_fault", method="HttpNfcLeaseComplete", message="not now")
    kept = world.face in ("blocking", "asyncio")  # the files are shown to be the server's
    with world.fails(LeaseCompleteError, says="not now", ends=("Complete", "Abort")):
        world.job()
    if kept:
        world.failed = False


ABORTS: dict[str, dict[str, Any]] = {
    "refused": {"kind": "soap_fault"},
    "dropped": {"kind": "drop"},
    "silent": {"kind": "soap_delay", "seconds": None},
}


@case(
    "E11",
    "Abort fails, or has no answer",
    "the first error all the same, within ten seconds",
    faces=FACES,
    variants=ABORTS,
    deadline=25.0,
)
def abort_fails(world: World, how: dict[str, Any]) -> None:
    from nfclease import HttpStatusError

    params = {key: value for key, value in how.items() if key != "kind"}
    world.simulator.inject("status", disk=DISK, code=410)
    world.simulator.inject(how["kind"], method="HttpNfcLeaseAbort", **params)
    with world.fails(HttpStatusError, status=410, lease_outcome="abort_failed"):
        world.job()
    world.held = 1
    world.vms_left = 1


@case(
    "E14",
    "leases that expire after 3 s, or in 68 years",
    "they are renewed in time; E22 has what a server may say and an xsd:int cannot mean",
    faces=LEASES,
    variants={"3": 3, "2^31-1": 2**31 - 1},
)
def odd_timeouts(world: World, seconds: int) -> None:
    world.simulator.set(lease_timeout=float(seconds))
    world.stack.callback(world.simulator.set, lease_timeout=300.0)
    world.simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 4)
    world.job()
    world.expect(world.simulator.calls("HttpNfcLeaseProgress"), "it was renewed")


@case(
    "E18",
    "a transfer is cancelled at one of ten moments",
    "TransferCancelledError or CancelledError, nothing kept, one Abort",
    faces=LEASES,
    variants={str(number): number for number in range(10)},
)
def cancelled(world: World, number: int) -> None:
    import asyncio

    from nfclease import AsyncHttpNfcLease, HttpNfcLease, TransferCancelledError

    world.simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 2)
    after = number * 0.12 + world.random.random() * 0.1
    if world.face == "asyncio":

        async def download() -> None:
            async with AsyncHttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
                await lease.wait_ready(10)
                await lease.download_all(world.target)

        async def cancel() -> None:
            task = asyncio.ensure_future(download())
            await asyncio.sleep(0.2 + after)
            task.cancel()
            await task

        with world.fails(asyncio.CancelledError):
            asyncio.run(cancel())
        return
    with (
        world.fails(TransferCancelledError),
        HttpNfcLease(world.vm.ExportVm(), **world.options) as lease,
    ):
        disk = lease.wait_ready(10).deviceUrl[0]
        transfer = lease.start_download(disk, world.target / "disk-0.vmdk", overwrite=True)
        time.sleep(after)
        transfer.cancel()
        transfer.result()


@case(
    "E20",
    "the server's sum of what was sent to it is another",
    "ChecksumMismatchError, Abort and not Complete",
    faces=("import_vapp",),
)
def upload_differs(world: World) -> None:
    from nfclease import ChecksumMismatchError

    world.simulator.inject("manifest", disk=DISK, sha1="0" * 40)
    with world.fails(ChecksumMismatchError):
        world.job()
