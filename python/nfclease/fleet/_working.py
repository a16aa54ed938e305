"""What a worker does with one job: from plain data to an outcome, which is plain data too."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from functools import partial
from http.client import HTTPException

from pyVmomi import vim

from nfclease._backends.blocking import run
from nfclease._log import logger
from nfclease.appliance._face import AsyncioFace, BlockingFace
from nfclease.appliance.copying import copy_vm, copy_vm_async
from nfclease.appliance.export import export_vm, export_vm_async
from nfclease.appliance.importing import import_vapp, import_vapp_async
from nfclease.exceptions import LeaseError, NfcError
from nfclease.fleet import _dead_leases
from nfclease.fleet._lease_notes import notes_of
from nfclease.fleet._moved import Moved
from nfclease.fleet._workers import worker_of
from nfclease.fleet.failures import judge, placed
from nfclease.fleet.outcomes import Outcome, WrittenFile
from nfclease.fleet.sessions import name_of
from nfclease.inventory import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from nfclease.appliance.results import ExportResult
    from nfclease.fleet._place import RunPlace
    from nfclease.fleet._workers import Worker
    from nfclease.fleet.copy_job import CopyJob
    from nfclease.fleet.failures import Failure
    from nfclease.fleet.jobs import ImportJob, Job

    #: How a worker waits.
    Way: TypeAlias = "_Blocking | _Awaiting"


@dataclass(frozen=True)
class Assignment:
    """A job on its way to a worker.

    Attributes:
        job: What was asked for.
        place: The run.
        target: The job's, filled in.
        moid: Of the VM; empty for an import.
        factory: The import path of its session's factory; None if it has none.
        attempt: How often it has been started, with this one.
        share: Its bytes per second until the process hears of its own; None without a limit.
        leases: What earlier attempts told of theirs.
        to_factory: Of a copy: as `factory`, of the session where it goes.
        name: Of the VM of an export, as its inventory has it.
    """

    job: Job
    place: RunPlace
    target: str
    moid: str
    factory: str | None
    attempt: int = 1
    share: int | None = None
    leases: tuple[str, ...] = ()
    to_factory: str | None = None
    name: str | None = None

    def outcome(self, **given: Any) -> Outcome:
        """Its outcome after one attempt."""
        nothing: dict[str, Any] = {"bytes": 0, "seconds": 0.0, "attempts": 1, "files": ()}
        job = self.job
        about = {"key": job.key, "kind": job.kind, "vm": job.subject, "target": self.target}
        return Outcome(**{**nothing, "failure": None, **about, **given})


class _Blocking(BlockingFace):
    """Carries jobs out in the caller's own thread."""

    async def whole(self, job: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """What a function of ``appliance`` that does a whole job returns."""
        return job(*args, **options)


class _Awaiting(AsyncioFace):
    """Carries jobs out in the running event loop, each by the function's twin."""

    async def whole(self, job: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """The same."""
        return await _TWINS[job](*args, **options)


_TWINS: dict[Any, Any] = {
    export_vm: export_vm_async,
    import_vapp: import_vapp_async,
    copy_vm: copy_vm_async,
}


def work(assignment: Assignment) -> Outcome:
    """Carries a job out. A failure is an outcome: an exception need not survive the way back."""
    return run(_work(_Blocking(), assignment))


async def work_async(assignment: Assignment) -> Outcome:
    """The same in an event loop, beside many others."""
    return await _work(_Awaiting(), assignment)


async def _work(way: Way, assignment: Assignment) -> Outcome:
    worker, started = worker_of(assignment.place), time.monotonic()
    with worker.busy(assignment.job.key, assignment.attempt, assignment.share):
        if worker.is_stopping():
            return assignment.outcome(state="cancelled")
        refused = ""
        try:
            refused = await _released(way, assignment, worker)
            outcome = await _carried_out(way, assignment, worker)
        except (Exception, KeyboardInterrupt) as error:
            # A terminal's Ctrl-C goes to every process of its group.
            if worker.is_stopping() or isinstance(error, KeyboardInterrupt):
                outcome = assignment.outcome(state="cancelled")
            else:
                failure = _failure(error, assignment, worker)
                owner = _dead_leases.owner_of_name(error)
                if owner is not None:
                    failure = await way.call(partial(_dead_leases.taken, failure, owner))
                failure = _dead_leases.explained(failure, refused)
                logger().debug("%s failed", assignment.job.key, exc_info=error)
                outcome = assignment.outcome(state="failed", failure=failure)
    return replace(outcome, seconds=time.monotonic() - started)


async def _carried_out(way: Way, assignment: Assignment, worker: Worker) -> Outcome:
    """The job; once more where its session has expired since the server was last asked."""
    body, job = _BODIES[assignment.job.kind], assignment.job
    try:
        return await body(way, assignment, worker)
    except vim.fault.NotAuthenticated:
        if worker.is_stopping():
            raise
        for session in {job.session, getattr(job, "to_session", job.session)}:
            worker.logins.doubt(session)
    return await body(way, assignment, worker)


def _failure(error: BaseException, assignment: Assignment, worker: Worker) -> Failure:
    """What `judge` says. A lost lease, or pyvmomi's error of a connection, names no server."""
    failure = judge(error)
    if isinstance(error, NfcError):
        is_bare = isinstance(error, LeaseError)
    else:  # an error of a file has its name, and one of a transfer its VM
        is_bare = isinstance(error, (OSError, HTTPException)) and not hasattr(error, "vm")
        is_bare = is_bare and getattr(error, "filename", None) is None
    return placed(failure, worker.logins.address(assignment.job.session)) if is_bare else failure


async def _released(way: Way, assignment: Assignment, worker: Worker) -> str:
    """What earlier attempts left is released first; which of it could not be, and why."""
    refused: list[str] = []
    for name, open_session in _sessions(assignment, worker).items():
        notes = notes_of(name, assignment.leases)
        if notes:
            service = await way.call(open_session)
            refused.append(
                await way.call(partial(_dead_leases.release, assignment.job, service, notes))
            )
    return "; ".join(filter(None, refused))


def _sessions(assignment: Assignment, worker: Worker) -> dict[str, Callable[[], Any]]:
    """What gives each session of a job, by their names."""
    job: Any = assignment.job
    sources = [(job.session, assignment.factory)]
    if job.kind == "copy":
        sources.append((job.to_session, assignment.to_factory))
    return {name_of(each[0]): partial(worker.logins.session, *each) for each in sources}


async def _export(way: Way, assignment: Assignment, worker: Worker) -> Outcome:
    job: Any = assignment.job
    moved = _reporter(assignment, worker)
    service = await way.call(partial(_begun, assignment, worker))
    with worker.leases.reading(job.key, {name_of(job.session): service}):
        result = await way.whole(
            export_vm,
            vim.VirtualMachine(assignment.moid, service._stub),
            assignment.target,
            progress=moved,
            **{"name": assignment.name, **job.options},
        )
    files = await way.call(partial(_written, result, assignment.target))
    # The files of an image are not what moved.
    count = moved.sum if moved is not None and _makes_images(job) else result.bytes
    return assignment.outcome(state="done", bytes=count, files=files)


async def _import(way: Way, assignment: Assignment, worker: Worker) -> Outcome:
    job: Any = assignment.job
    service = await _session(way, assignment, worker)
    with worker.leases.reading(job.key, {name_of(job.session): service}):
        result = await way.whole(
            import_vapp,
            job.source,
            **await way.call(lambda: _places(job, service)),
            name=assignment.target,
            progress=_reporter(assignment, worker),
            **job.options,
        )
    return assignment.outcome(state="done", bytes=result.bytes)


async def _copy(way: Way, assignment: Assignment, worker: Worker) -> Outcome:
    job: Any = assignment.job
    service = await _session(way, assignment, worker)
    there = await way.call(lambda: worker.logins.session(job.to_session, assignment.to_factory))
    services = {name_of(job.session): service, name_of(job.to_session): there}
    with worker.leases.reading(job.key, services, 2):
        result = await way.whole(
            copy_vm,
            vim.VirtualMachine(assignment.moid, service._stub),
            **await way.call(lambda: _places(job, there)),
            name=assignment.target,
            progress=_reporter(assignment, worker),
            **job.options,
        )
    return assignment.outcome(state="done", bytes=result.bytes)


def _begun(assignment: Assignment, worker: Worker) -> Any:
    """The session of an export, whose directory is there; a file system may hold this up."""
    service = worker.logins.session(assignment.job.session, assignment.factory)
    os.makedirs(os.path.dirname(assignment.target) or ".", exist_ok=True)
    return service


_BODIES = {"export": _export, "import": _import, "copy": _copy}


async def _session(way: Way, assignment: Assignment, worker: Worker) -> Any:
    source = assignment.job.session
    there = worker.logins.at_hand(source)
    if there is not None:
        return there
    return await way.call(lambda: worker.logins.session(source, assignment.factory))


def _places(job: ImportJob | CopyJob, service: Any) -> dict[str, Any]:
    """Where it goes, by the keywords of ``import_vapp`` and ``copy_vm``."""
    kinds: dict[str, Any] = {
        "resource_pool": vim.ResourcePool,
        "datastore": (vim.Datastore, vim.StoragePod),
        "folder": vim.Folder,
        "host": vim.HostSystem,
    }
    named = {name: getattr(job, name) for name in kinds}
    return {
        name: find(service, text, kinds[name]) for name, text in named.items() if text is not None
    }


def _reporter(assignment: Assignment, worker: Worker) -> Moved | None:
    if assignment.place.is_watched:
        return Moved(partial(worker.tell, "moved", assignment.job.key))
    return Moved() if _makes_images(assignment.job) else None


def _makes_images(job: Job) -> bool:
    return job.options.get("disk_format") is not None


def _written(result: ExportResult, target: str) -> tuple[WrittenFile, ...]:
    """The files of a package as they lie there now."""
    if not os.path.isdir(target):
        return (_row(target),)
    sums = {file.name: file for file in result.files}
    names = [result.descriptor, *([result.manifest] if result.manifest else []), *sums]
    return tuple(
        _row(
            os.path.join(target, *name.split("/")),
            getattr(sums.get(name), "checksum_type", ""),
            getattr(sums.get(name), "checksum", ""),
        )
        for name in names
    )


def _row(path: str, checksum_type: str = "", checksum: str = "") -> WrittenFile:
    status = os.stat(path)
    return WrittenFile(path, status.st_size, status.st_mtime_ns, checksum_type, checksum)
