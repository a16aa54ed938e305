"""From jobs to what runs: each VM found, its host, disks and bytes, with a few calls in all."""

from __future__ import annotations

import os
from functools import partial

from pyVmomi import vim, vmodl

from nfclease._text import escaped
from nfclease.appliance.inspect import inspect
from nfclease.exceptions import NfcError
from nfclease.fleet import targets
from nfclease.fleet._centers import DISKS, HOST, SIZE, UUID, read_centers
from nfclease.fleet._in_line import Planned
from nfclease.fleet._workers import worker_of
from nfclease.fleet._working import Assignment
from nfclease.fleet.copy_job import CopyJob
from nfclease.fleet.failures import Failure, judge, placed
from nfclease.fleet.jobs import ExportJob
from nfclease.fleet.sessions import check_registered, name_of, portable
from nfclease.inventory._reading import read_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from nfclease.fleet._centers import Center
    from nfclease.fleet._place import RunPlace
    from nfclease.fleet.jobs import ImportJob, Job

__all__ = ["Plan", "Planned"]

_Vm: Any = vim.VirtualMachine


class Plan:
    """The jobs of a run, in the order of the list. Each session's inventory is read once, in pages.

    A vCenter that is away, or refuses the login, fails its own jobs alone; ``again`` asks it later.

    Args:
        jobs: What was asked for.
        place: The run.
        at: When it began, for the targets.

    Raises:
        ValueError: Two jobs are the same.
        SessionSourceError: A session is not registered.
    """

    def __init__(self, jobs: Sequence[Job], place: RunPlace, at: datetime.datetime) -> None:
        _refuse_twins(jobs)
        for job in jobs:
            check_registered(job.session)
            if isinstance(job, CopyJob):
                check_registered(job.to_session)
        self._place, self._at = place, at
        self._centers: dict[str, Center] = {}
        #: Who has a target, by its path: the first of the list.
        self._owners: dict[str, Planned] = {}
        #: One for each job. Where its VM or package is not there, that has the failure.
        self.items: list[Planned] = self._read(jobs)

    def again(self, items: Sequence[Planned]) -> list[Planned]:
        """Reads the inventory of a vCenter that was away, for some of its jobs.

        A target that another job has by now is that one's.

        Args:
            items: Jobs of one session, none of which was read.

        Returns:
            The same jobs anew, in this order; as unread as before where it is still away.
        """
        return self._read([item.job for item in items])

    def _read(self, jobs: Sequence[Job]) -> list[Planned]:
        found = read_centers(self._logins(jobs))
        away = {name: each for name, each in found.items() if isinstance(each, Exception)}
        self._centers |= {
            name: each for name, each in found.items() if not isinstance(each, Exception)
        }
        made = []
        for job in jobs:
            reason = away.get(name_of(job.session)) if isinstance(job, _READ) else None
            made.append(self._planned(job) if reason is None else self._unread(job, reason))
        self._refuse_collisions(made)
        return made

    def _logins(self, jobs: Sequence[Job]) -> dict[str, Callable[[], Any]]:
        """What gives the session of each vCenter whose inventory is needed."""
        logins = worker_of(self._place).logins
        found: dict[str, Callable[[], Any]] = {}
        for job in jobs:
            if isinstance(job, _READ):
                found.setdefault(name_of(job.session), partial(logins.session, job.session))
        return found

    def _planned(self, job: Job) -> Planned:
        try:
            if isinstance(job, _READ):
                center = self._centers[name_of(job.session)]
                return _planned_vm(job, center, self._place, self._at)
            return _planned_import(job, self._place, self._at)
        except (NfcError, OSError, ValueError) as error:
            return self._failed(job, judge(error))

    def _unread(self, job: Job, error: Exception) -> Planned:
        """A job of a vCenter that is away."""
        failure, address = judge(error), worker_of(self._place).logins.address(job.session)
        if address not in failure.reason:  # a refused login or connection names no server
            failure = placed(failure, address)
        item = self._failed(job, failure)
        item.is_unread = True
        return item

    def _failed(self, job: Job, failure: Failure) -> Planned:
        empty = Assignment(job, self._place, "", "", None)
        return Planned(empty, name_of(job.session), failure=failure)

    def _refuse_collisions(self, made: Iterable[Planned]) -> None:
        """The second of two exports to one target fails: it would replace what the first made."""
        for each in made:
            if each.failure is not None or each.job.kind != "export":
                continue
            path = os.path.abspath(each.assignment.target)
            owner = self._owners.setdefault(path, each)
            if owner is not each:
                reason = (
                    f"{escaped(path)} is the target of {owner.job.subject}, too: put {{moid}} or "
                    "{uuid} into the template"
                )
                each.failure = Failure("never", reason, "ValueError")

    def hosts_of(self, items: Sequence[Planned]) -> dict[str, tuple[str, str]]:
        """Reads in one call where the VMs of some exports and copies of one session run by now.

        Returns:
            By the moId of a VM, its host's moId and name. A VM that is gone is left out: its job
            tells what is wrong.

        Raises:
            Exception: What a login or the server raised.
        """
        names = self._centers[items[0].vcenter].hosts
        service = worker_of(self._place).logins.session(items[0].job.session)
        found = _hosts_of(service, [each.assignment.moid for each in items])
        return {moid: (host, names.get(host, host)) for moid, host in found.items()}


#: Jobs whose vCenter is asked for their VM.
_READ = (ExportJob, CopyJob)


def _planned_vm(
    job: ExportJob | CopyJob, center: Center, place: RunPlace, at: datetime.datetime
) -> Planned:
    node = center.vm(job.vm)
    session = name_of(job.session)
    values = {"vm": node.name, "moid": node.entity._moId, "session": session}
    values["uuid"] = node.values.get(UUID) or node.entity._moId
    assigned = partial(Assignment, moid=node.entity._moId, factory=portable(job.session))
    to_vcenter = ""
    if isinstance(job, CopyJob):
        name = targets.filled(job.name, values, at, is_path=False)
        to_vcenter = name_of(job.to_session)
        assignment = assigned(job, place, name, to_factory=portable(job.to_session))
    else:
        target = targets.filled(job.target, values, at)
        assignment = assigned(job, place, target, name=node.name)
    host, disks = node.values.get(HOST), node.values.get(DISKS)
    moid = host._moId if host is not None else ""
    return Planned(
        assignment,
        session,
        moid,
        center.hosts.get(moid, moid),
        _counted(node.entity) if disks is None else disks,
        max(node.values.get(SIZE) or 0, 0),
        to_vcenter="" if to_vcenter == session else to_vcenter,
    )


def _counted(vm: Any) -> int:
    """The disks of a VM whose summary does not say how many."""
    name = "config.hardware.device"
    devices = next((has.get(name) for _, has in read_each([vm], _Vm, [name])), None)
    return sum(isinstance(each, vim.vm.device.VirtualDisk) for each in devices or ())


def _planned_import(job: ImportJob, place: RunPlace, at: datetime.datetime) -> Planned:
    """Where the server chooses the host, its resource pool is counted as one."""
    names = {"ca_file", "ssl_thumbprint"} & set(job.options)
    info = inspect(job.source, **{name: job.options[name] for name in names})
    session = name_of(job.session)
    stem = os.path.splitext(os.path.basename(job.source.rstrip("/")))[0]
    target = targets.filled(job.name, {"source": stem, "session": session}, at)
    where = job.host or job.resource_pool
    return Planned(
        Assignment(job, place, target, "", portable(job.session)),
        session,
        where,
        where,
        len(info.disks),
        sum(file.stored_size or file.size or 0 for file in info.files),
    )


def _refuse_twins(jobs: Iterable[Job]) -> None:
    seen: set[str] = set()
    for job in jobs:
        if job.key in seen:
            raise ValueError(f"two jobs are the same: {job.key}")
        seen.add(job.key)


def _hosts_of(service: Any, moids: Sequence[str]) -> dict[str, str]:
    """The moIds of their hosts; one VM that is gone does not hide the others."""
    vms = [_Vm(moid, service._stub) for moid in moids]
    try:
        found = [(vm._moId, has.get(HOST)) for vm, has in read_each(vms, _Vm, [HOST])]
    except vmodl.fault.ManagedObjectNotFound:
        if len(moids) == 1:
            return {}
        each = [_hosts_of(service, [moid]) for moid in moids]
        return {moid: host for one in each for moid, host in one.items()}
    return {moid: host._moId for moid, host in found if host is not None}
