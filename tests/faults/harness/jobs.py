"""One VM out or in, on each face, with the same arguments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nfclease
from nfclease import fleet

from ...support.importing import Importing
from ...support.inventory import unique
from ...support.leases import disk_of
from ...support.waiting import wait_for

if TYPE_CHECKING:
    from .world import World

#: The session of a fleet's jobs.
SESSION = "faults"


class JobFailed(Exception):  # noqa: N818 - a fleet's job has failed; it has no error, only its name
    """What a run says of its job.

    Attributes:
        failure: Class and reason.
    """

    def __init__(self, failure: fleet.Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def blocking(world: World, **options: Any) -> list[Any]:
    """The disk of the VM, to the file of its name."""
    from nfclease import HttpNfcLease

    with HttpNfcLease(world.vm.ExportVm(), **options) as lease:
        disk = disk_of(lease)
        world.saw(lease)
        if world.moved is not None:
            disk = world.moved(disk)
        target = world.target / "disk-0.vmdk"
        return [lease.download(disk, target, overwrite=True, progress=world.progress)]


def aio(world: World, **options: Any) -> list[Any]:
    """All files of the VM, to a directory."""

    async def download() -> list[Any]:
        async with nfclease.AsyncHttpNfcLease(world.vm.ExportVm(), **options) as lease:
            info = await lease.wait_ready(10)
            if world.moved is not None:
                device = world.moved(info.deviceUrl[0])
                return [await lease.download(device, world.target / "disk-0.vmdk")]
            results: list[Any] = await lease.download_all(
                world.target, overwrite=True, progress=world.progress
            )
            return results

    return asyncio.run(download())


def export(world: World, **options: Any) -> list[Any]:
    """A package in a directory."""
    options |= {"overwrite": True, "progress": world.progress}
    result = nfclease.export_vm(world.vm, world.target / "package", **options)
    return list(result.files)


def import_(world: World, **options: Any) -> list[Any]:
    """The package, as a VM of a new name, which goes again."""
    options |= {"name": unique("in-faults"), "progress": world.progress}
    result = Importing("blocking", world.vm)(world.package, **options)
    task = result.entity.Destroy_Task()
    wait_for(lambda: task.info.state not in ("queued", "running"))
    return list(result.files)


def run(world: World, **options: Any) -> list[Any]:
    """A run of one export, once."""
    fleet.register_session(SESSION, world.connect)
    job = fleet.ExportJob(SESSION, world.vm.name, f"{world.target}/{{vm}}.ova", options)
    summary = fleet.run([job], retries=0, blocked_timeout=0, check=False)
    for outcome in summary.outcomes:
        world.texts += [repr(outcome), str(summary)]
        if outcome.failure is not None:
            raise JobFailed(outcome.failure)
    return [file for outcome in summary.outcomes for file in outcome.files]


JOBS: dict[str, Callable[..., list[Any]]] = {
    "blocking": blocking,
    "asyncio": aio,
    "export_vm": export,
    "import_vapp": import_,
    "fleet": run,
}


def unverified(results: list[Any]) -> list[str]:
    """What is wrong with the files of a job that says that it worked."""
    if not results:
        return ["I1: the job made no file"]
    return [
        f"I1: {result} is not verified"
        for result in results
        if getattr(result, "verified", "manifest") != "manifest"
    ]


def plant(face: str, target: Path) -> None:
    """An older file under the final name, which a failure must leave, where the job has one."""
    if face == "blocking":
        (target / "disk-0.vmdk").write_bytes(b"an older disk")
    elif face == "export_vm":
        (target / "package").mkdir()
        (target / "package" / "package.ovf").write_bytes(b"an older package")
