"""E: a job on asyncio is cancelled at every place where it waits."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import shutil
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import nfclease
from nfclease import AsyncHttpNfcLease

from ...support.importing import vm_names
from ...support.imports import import_spec, import_vm
from ...support.inventory import find, unique
from ...support.leases import disk_of
from ...support.waiting import wait_for
from ..harness import invariants
from ..harness.case import case
from ..harness.waits import MOMENTS, cancelled_at
from ..harness.world import World

#: More waits than any of the jobs has.
MOST = 400

Work = Callable[[], Coroutine[Any, Any, Any]]


class Job:
    """A job that can be begun again and again.

    Args:
        world: The case's.

    Attributes:
        target: Where it writes to, empty each time.
        imports: Whether it makes a VM, of the name ``name``.
    """

    imports = False

    def __init__(self, world: World) -> None:
        self.world, self.name = world, ""
        self.target = world.folder / "cancelled"

    def prepare(self) -> None:
        """What it needs, before any lease is opened."""

    async def run(self) -> Any:
        """Does it."""
        raise NotImplementedError


class Download(Job):
    """The disk of a lease, which is opened in a thread."""

    async def run(self) -> Any:
        async with AsyncHttpNfcLease(self.world.vm.ExportVm, **self.world.options) as lease:
            await lease.wait_ready(10)
            await lease.download_all(self.target)


class Upload(Job):
    """A disk to a lease of an import."""

    imports = True

    def prepare(self) -> None:
        world = self.world
        self._source = world.folder / "source.vmdk"
        with nfclease.HttpNfcLease(world.vm.ExportVm()) as lease:
            result = lease.download(disk_of(lease), self._source, overwrite=True)
        world.wanted.append(("Complete",))
        self._results = [dataclasses.replace(result, name="source.vmdk")]

    async def run(self) -> Any:
        world = self.world
        spec = import_spec(world.service, world.vm, self.name, self._results)
        opens = partial(import_vm, world.vm, spec)
        async with AsyncHttpNfcLease(opens, **world.options) as lease:
            await lease.wait_ready(10)
            [item] = [item for item in spec.fileItem if item.path == "source.vmdk"]
            await lease.upload(item, self._source)


class Export(Job):
    """A package in a directory."""

    async def run(self) -> Any:
        world = self.world
        await nfclease.export_vm_async(world.vm, self.target / "package", **world.options)


class Import(Job):
    """That of the case as a VM."""

    imports = True

    async def run(self) -> Any:
        world = self.world
        given = (world.package, world.vm.resourcePool)
        await nfclease.import_vapp_async(*given, name=self.name, **world.options)


JOBS: dict[str, type[Job]] = {
    "download": Download,
    "upload": Upload,
    "export_vm": Export,
    "import_vapp": Import,
}


@case(
    "E23",
    "a task is cancelled at each of its waits: as it begins, when it is over, in the clean-up",
    "CancelledError, the lease ended once, no partial file, no VM, no task and no thread left",
    faces=("asyncio",),
    variants={f"{name}, a wait {moment}": (name, moment) for name in JOBS for moment in MOMENTS},
    deadline=120.0,
)
def at_every_wait(world: World, how: tuple[str, str]) -> None:
    job = JOBS[how[0]](world)
    job.prepare()
    _once(job, 0, how[1])
    world.service._stub.DropConnections()
    held = invariants.settled()

    def now() -> invariants.Held:
        # pyvmomi's own pool, which a call that goes on behind makes larger.
        world.service._stub.DropConnections()
        return invariants.Held.now()

    for wait in range(1, MOST):
        if not _once(job, wait, how[1]):
            break
        if found := invariants.resources_back(held, now):
            world.violations += [f"wait {wait}: {text}" for text in found]
            break
    world.numbers["waits"] = wait - 1
    world.expect(1 < wait < MOST - 1, f"{wait - 1} waits were cancelled")


def _once(job: Job, wait: int, moment: str) -> bool:
    """Cancels it there, and looks at all that it left; whether it has so many waits."""
    world, simulator = job.world, job.world.simulator
    shutil.rmtree(job.target, ignore_errors=True)
    job.target.mkdir()
    job.name = unique("in-cancelled")
    before = {lease["moid"] for lease in simulator.leases()}
    done = cancelled_at(job.run, wait, moment)
    found = _ended(done.error, done.is_reached)
    if done.tasks_left:
        found.append(f"{done.tasks_left} tasks were left")
    new = [lease for lease in simulator.leases() if lease["moid"] not in before]
    ends = _endings(world, new)
    found += _leases(ends, done.error)
    found += _files(job, simulator.leases(), completed=("Complete",) in ends)
    found += _vms(job, completed=("Complete",) in ends)
    world.wanted += [each for each in ends if each]
    world.violations += [f"wait {wait}: {text}" for text in found]
    return done.is_reached


def _ended(error: BaseException | None, is_reached: bool) -> list[str]:
    if isinstance(error, asyncio.CancelledError) == is_reached and (is_reached or error is None):
        return []
    return [f"it ended in {error!r}"]


def _endings(world: World, leases: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The calls that ended each of these, once none is held any more."""
    moids = [lease["moid"] for lease in leases]

    def is_over() -> bool:
        now = {lease["moid"]: lease["state"] for lease in world.simulator.leases()}
        return all(now[moid] not in ("ready", "initializing") for moid in moids)

    try:
        wait_for(is_over)
    except AssertionError:
        world.violations.append("I3: a lease is held")
    found: dict[str, tuple[str, ...]] = dict.fromkeys(moids, ())
    for call in world.simulator.calls():
        name = call["method"].removeprefix("HttpNfcLease")
        if name in ("Complete", "Abort") and call["moid"] in found:
            found[call["moid"]] += (name,)
    return list(found.values())


def _leases(ends: list[tuple[str, ...]], error: BaseException | None) -> list[str]:
    if error is None:
        return [] if ends == [("Complete",)] else [f"it worked, and the leases ended by {ends}"]
    if len(ends) > 1 or any(each not in (("Abort",), ("Complete",)) for each in ends):
        return [f"the leases were ended by {ends}"]
    return []


def _files(job: Job, leases: list[dict[str, Any]], *, completed: bool) -> list[str]:
    """Nothing is partial; what has its name is whole, and a package is there as a whole."""
    after = invariants.tree_of(job.target)
    found = invariants.partial_files(after)
    sums = {entry["sha1"] for lease in leases for entry in lease["manifest"]}
    files = [path for path in sorted(job.target.rglob("*")) if path.is_file()]
    if isinstance(job, Export) and not completed and files:
        found.append(f"I1: {[path.name for path in files]} of a package are there")
    return found + [
        f"I1: {path.name} is not whole"
        for path in files
        if path.suffix == ".vmdk" and _sha1(path) not in sums
    ]


def _sha1(path: Path) -> str:
    return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()


def _vms(job: Job, *, completed: bool) -> list[str]:
    """A VM is there only where its import was completed, and goes then."""
    from pyVmomi import vim

    if not job.imports:
        return []
    is_there = job.name in vm_names(job.world.service)
    if is_there and completed:
        task = find(job.world.service, vim.VirtualMachine, job.name).Destroy_Task()
        wait_for(lambda: task.info.state not in ("queued", "running"))
    if is_there != completed:
        return [f"I1: the VM {job.name} is {'' if is_there else 'not '}there"]
    return []
