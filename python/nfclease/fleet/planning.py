"""From jobs to what runs: each VM found, its host, disks and bytes, with a few calls in all."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial

from pyVmomi import vim, vmodl

from nfclease._text import escaped
from nfclease.appliance.inspect import inspect
from nfclease.exceptions import NfcError
from nfclease.fleet import targets
from nfclease.fleet._lease_notes import are_named
from nfclease.fleet._pool import all_of
from nfclease.fleet._workers import worker_of
from nfclease.fleet._working import Assignment
from nfclease.fleet.copy_job import CopyJob
from nfclease.fleet.failures import Failure, judge
from nfclease.fleet.jobs import ExportJob
from nfclease.fleet.sessions import check_registered, name_of, portable
from nfclease.inventory._choosing import the_one
from nfclease.inventory._names import plain
from nfclease.inventory._reading import read_each
from nfclease.inventory._tree import read_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Sequence
    from typing import Any

    from nfclease.fleet._place import RunPlace
    from nfclease.fleet.jobs import ImportJob, Job
    from nfclease.inventory._tree import Node, Tree

_HOST, _UUID = "runtime.host", "summary.config.instanceUuid"
_DISKS, _SIZE = "summary.config.numVirtualDisks", "summary.storage.committed"
_Vm: Any = vim.VirtualMachine


@dataclass(eq=False)
class Planned:
    """A job that has its place in line.

    Attributes:
        assignment: What a worker gets.
        vcenter: The name of its session.
        to_vcenter: That of the other session of a copy; empty where there is none.
        host: The moId of the host, where the VM was when somebody last looked.
        host_name: Its name, for people.
        disks: How many disks it has.
        bytes: What it may move at most, 0 where nobody knows.
        failure: Why it cannot even start; None where it can.
        attempts: How often it was started.
        host_read_at: When its host was read, of ``time.monotonic``.
        leases: What its attempts told of their leases, which a dead worker may have left.
    """

    assignment: Assignment
    vcenter: str
    host: str = ""
    host_name: str = ""
    disks: int = 1
    bytes: int = 0
    failure: Failure | None = None
    leases: tuple[str, ...] = ()
    to_vcenter: str = ""
    attempts: int = field(default=0, init=False)
    host_read_at: float = field(default_factory=time.monotonic, init=False)

    @property
    def job(self) -> Job:
        """What was asked for."""
        return self.assignment.job

    @property
    def key(self) -> str:
        """The job's."""
        return self.job.key

    def assigned(self, share: int | None) -> Assignment:
        """What the worker of its next attempt gets.

        Args:
            share: Its bytes per second at first; None without a limit.
        """
        self.assignment = replace(
            self.assignment, attempt=self.attempts, share=share, leases=self.leases
        )
        return self.assignment

    def has_left_lease(self, failure: Failure, *, is_dead: bool) -> bool:
        """Whether its last attempt left a lease, or found one, that nobody tried to release.

        Args:
            failure: Of that attempt.
            is_dead: Whether its worker died.
        """
        told = [each for each in self.leases if each not in self.assignment.leases]
        return bool(told) if is_dead else are_named(told, failure.task)


class _Center:
    """The VMs of one session, found by what people call them."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        nodes = [node for node in tree.nodes.values() if isinstance(node.entity, _Vm)]
        self.nodes = nodes
        self.hosts = {
            moid: node.name
            for moid, node in tree.nodes.items()
            if isinstance(node.entity, vim.HostSystem)
        }
        #: What means one VM and no other; anything else is looked for with care.
        self._exact = {node.entity._moId: node for node in nodes}
        self._exact |= {tree.path(node): node for node in nodes}
        self._exact |= {uuid: node for node in nodes if (uuid := node.values.get(_UUID))}
        # A name in full is that of one VM, unless it is also written like a path or a reference.
        counts = Counter(plain(node.name) for node in nodes)
        for node in nodes:
            name = plain(node.name)
            if counts[name] == 1 and not {*"/:%"} & {*name}:
                self._exact.setdefault(name, node)

    def vm(self, text: str) -> Node:
        """The VM of a moId, an instanceUuid, a path or a name.

        Raises:
            NotFoundError: No VM has it.
            AmbiguousNameError: More than one has it.
        """
        return self._exact.get(text) or the_one(self.tree, self.nodes, text, "VM")


class Plan:
    """The jobs of a run, in the order of the list. Each session's inventory is read once, in pages.

    Args:
        jobs: What was asked for.
        place: The run.
        at: When it began, for the targets.

    Raises:
        ValueError: Two jobs are the same.
        SessionSourceError: Nobody knows how to log in.
        Exception: What a login, or a server that was asked for its inventory, raised.
    """

    def __init__(self, jobs: Sequence[Job], place: RunPlace, at: datetime.datetime) -> None:
        _refuse_twins(jobs)
        for job in jobs:
            check_registered(job.session)
            if isinstance(job, CopyJob):
                check_registered(job.to_session)
        self._place = place
        self._centers = self._read_centers(jobs)
        #: One for each job. Where its VM or package is not there, that has the failure.
        self.items: list[Planned] = [self._planned(job, at) for job in jobs]
        _refuse_collisions(self.items)

    def _planned(self, job: Job, at: datetime.datetime) -> Planned:
        name = name_of(job.session)
        try:
            if isinstance(job, (ExportJob, CopyJob)):
                return _planned_vm(job, self._centers[name], self._place, at)
            return _planned_import(job, self._place, at)
        except (NfcError, OSError, ValueError) as error:
            empty = Assignment(job, self._place, "", "", None)
            return Planned(empty, name, failure=judge(error))

    def _read_centers(self, jobs: Sequence[Job]) -> dict[str, _Center]:
        """Logs in one by one, for a factory may ask a person, and then reads all at once."""
        services: dict[str, Any] = {}
        for job in jobs:
            if isinstance(job, (ExportJob, CopyJob)) and name_of(job.session) not in services:
                services[name_of(job.session)] = self._service(job)
        trees = all_of([partial(_read, service) for service in services.values()])
        return {name: _Center(tree) for name, tree in zip(services, trees, strict=True)}

    def _service(self, job: Job) -> Any:
        return worker_of(self._place).logins.session(job.session)

    def hosts_of(self, items: Sequence[Planned]) -> dict[str, tuple[str, str]]:
        """Reads in one call where the VMs of some exports and copies of one session run by now.

        Returns:
            By the moId of a VM, its host's moId and name. A VM that is gone is left out: its job
            tells what is wrong.

        Raises:
            Exception: What a login or the server raised.
        """
        names = self._centers[items[0].vcenter].hosts
        found = _hosts_of(self._service(items[0].job), [each.assignment.moid for each in items])
        return {moid: (host, names.get(host, host)) for moid, host in found.items()}


def _read(service: Any) -> Tree:
    wanted: dict[Any, tuple[str, ...]] = {_Vm: (_HOST, _UUID, _DISKS, _SIZE)}
    return read_tree(service, (_Vm, vim.HostSystem), wanted)


def _planned_vm(
    job: ExportJob | CopyJob, center: _Center, place: RunPlace, at: datetime.datetime
) -> Planned:
    node = center.vm(job.vm)
    session = name_of(job.session)
    values = {"vm": node.name, "moid": node.entity._moId, "session": session}
    values["uuid"] = node.values.get(_UUID) or node.entity._moId
    assigned = partial(Assignment, moid=node.entity._moId, factory=portable(job.session))
    to_vcenter = ""
    if isinstance(job, CopyJob):
        name = targets.filled(job.name, values, at, is_path=False)
        to_vcenter = name_of(job.to_session)
        assignment = assigned(job, place, name, to_factory=portable(job.to_session))
    else:
        target = targets.filled(job.target, values, at)
        assignment = assigned(job, place, target, name=node.name)
    host, disks = node.values.get(_HOST), node.values.get(_DISKS)
    moid = host._moId if host is not None else ""
    return Planned(
        assignment,
        session,
        moid,
        center.hosts.get(moid, moid),
        _counted(node.entity) if disks is None else disks,
        max(node.values.get(_SIZE) or 0, 0),
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


def _refuse_collisions(made: Iterable[Planned]) -> None:
    """The second of two exports to one target fails: it would replace what the first has made."""
    owners: dict[str, Planned] = {}
    for each in made:
        if each.failure is None and each.job.kind == "export":
            path = os.path.abspath(each.assignment.target)
            owner = owners.setdefault(path, each)
            if owner is not each:
                reason = (
                    f"{escaped(path)} is the target of {owner.job.subject}, too: put {{moid}} or "
                    "{uuid} into the template"
                )
                each.failure = Failure("never", reason, "ValueError")


def _hosts_of(service: Any, moids: Sequence[str]) -> dict[str, str]:
    """The moIds of their hosts; one VM that is gone does not hide the others."""
    vms = [_Vm(moid, service._stub) for moid in moids]
    try:
        found = [(vm._moId, has.get(_HOST)) for vm, has in read_each(vms, _Vm, [_HOST])]
    except vmodl.fault.ManagedObjectNotFound:
        if len(moids) == 1:
            return {}
        each = [_hosts_of(service, [moid]) for moid in moids]
        return {moid: host for one in each for moid, host in one.items()}
    return {moid: host._moId for moid, host in found if host is not None}
