"""What a worker does with one job: from plain data to an outcome, which is plain data too."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace

from pyVmomi import vim

from nfclease._log import logger
from nfclease.appliance.export import export_vm
from nfclease.appliance.importing import import_vapp
from nfclease.fleet import _dead_leases
from nfclease.fleet._workers import worker_of
from nfclease.fleet.failures import judge
from nfclease.fleet.jobs import ExportJob
from nfclease.fleet.outcomes import Outcome, WrittenFile
from nfclease.fleet.sessions import name_of
from nfclease.inventory import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from nfclease.appliance.results import ExportResult
    from nfclease.fleet._workers import RunPlace, Worker
    from nfclease.fleet.jobs import ImportJob, Job
    from nfclease.progress import TransferProgress

#: Seconds between two reports of one job.
_INTERVAL = 0.5


@dataclass(frozen=True)
class Assignment:
    """A job on its way to a worker.

    Attributes:
        job: What was asked for.
        place: The run.
        target: The job's, filled in.
        moid: Of the VM; empty for an import.
        factory: The import path of its session's factory; None where there is none.
        attempt: How often it has been started, with this one.
        leases: What earlier attempts told of theirs.
    """

    job: Job
    place: RunPlace
    target: str
    moid: str
    factory: str | None
    attempt: int = 1
    leases: tuple[str, ...] = ()

    def outcome(self, **given: Any) -> Outcome:
        """Its outcome after one attempt."""
        nothing: dict[str, Any] = {"bytes": 0, "seconds": 0.0, "attempts": 1, "files": ()}
        job = self.job
        about = {"key": job.key, "kind": job.kind, "vm": job.subject, "target": self.target}
        return Outcome(**{**nothing, "failure": None, **about, **given})


def work(assignment: Assignment) -> Outcome:
    """Carries a job out. A failure is an outcome: an exception need not survive the way back."""
    worker, started = worker_of(assignment.place), time.monotonic()
    with worker.busy(assignment.job.key, assignment.attempt):
        if worker.is_stopping():
            return assignment.outcome(state="cancelled")
        refused = ""
        try:
            refused = _released(assignment, worker)
            done = _export if isinstance(assignment.job, ExportJob) else _import
            outcome = done(assignment, worker)
        except (Exception, KeyboardInterrupt) as error:
            # A terminal's Ctrl-C goes to every process of its group.
            if worker.is_stopping() or isinstance(error, KeyboardInterrupt):
                outcome = assignment.outcome(state="cancelled")
            else:
                failure = _dead_leases.explained(judge(error), refused)
                logger().debug("%s failed", assignment.job.key, exc_info=error)
                outcome = assignment.outcome(state="failed", failure=failure)
    return replace(outcome, seconds=time.monotonic() - started)


def _released(assignment: Assignment, worker: Worker) -> str:
    """What earlier attempts left is released first; which of it could not be, and why."""
    if not assignment.leases:
        return ""
    service = worker.logins.session(assignment.job.session, assignment.factory)
    return _dead_leases.release(assignment.job, service, assignment.leases)


def _export(assignment: Assignment, worker: Worker) -> Outcome:
    job: Any = assignment.job
    service = worker.logins.session(job.session, assignment.factory)
    os.makedirs(os.path.dirname(assignment.target) or ".", exist_ok=True)
    with worker.leases.reading(job.key, name_of(job.session), service, assignment.moid):
        result = export_vm(
            vim.VirtualMachine(assignment.moid, service._stub),
            assignment.target,
            progress=_reporter(assignment, worker),
            **job.options,
        )
    files = _written(result, assignment.target)
    return assignment.outcome(state="done", bytes=result.bytes, files=files)


def _import(assignment: Assignment, worker: Worker) -> Outcome:
    job: Any = assignment.job
    service = worker.logins.session(job.session, assignment.factory)
    pool, places = find(service, job.resource_pool, vim.ResourcePool), _places(job, service)
    with worker.leases.reading(job.key, name_of(job.session), service, name=assignment.target):
        result = import_vapp(
            job.source,
            pool,
            name=assignment.target,
            progress=_reporter(assignment, worker),
            **places,
            **job.options,
        )
    return assignment.outcome(state="done", bytes=result.bytes)


def _places(job: ImportJob, service: Any) -> dict[str, Any]:
    kinds: dict[str, Any] = {
        "datastore": (vim.Datastore, vim.StoragePod),
        "folder": vim.Folder,
        "host": vim.HostSystem,
    }
    named = {name: getattr(job, name) for name in kinds}
    return {
        name: find(service, text, kinds[name]) for name, text in named.items() if text is not None
    }


def _reporter(
    assignment: Assignment, worker: Worker
) -> Callable[[TransferProgress], object] | None:
    """Adds up the files of a job, and tells the driver of the sum now and then."""
    if not assignment.place.is_watched:
        return None
    moved: dict[str, int] = {}
    told = 0.0

    def note(progress: TransferProgress) -> None:
        nonlocal told
        moved[progress.key] = progress.bytes_done
        if time.monotonic() - told >= _INTERVAL:
            told = time.monotonic()
            worker.tell("moved", assignment.job.key, sum(moved.values()))

    return note


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
