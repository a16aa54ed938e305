"""``plan``: what a run would do, host by host, without doing it."""

from __future__ import annotations

import datetime
import os
import tempfile
import uuid

from pyVmomi import vim, vmodl

from nfclease.fleet._place import RunPlace
from nfclease.fleet._retrying import Rules
from nfclease.fleet._workers import forget, worker_of
from nfclease.fleet.failures import Failure, judge
from nfclease.fleet.planning import Plan
from nfclease.fleet.run_plan import PlannedHost, PlannedJob, RunPlan
from nfclease.fleet.running import checked
from nfclease.fleet.status import read_status
from nfclease.inventory._reading import read_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from nfclease.fleet.jobs import Job
    from nfclease.fleet.planning import Planned

__all__ = ["plan"]

#: Bytes per second of one stream of an ESXi host, as it is seen in the field.
STREAM_RATE = 25_000_000
#: Disks of one VM that move at once: ``max_concurrency`` of a lease.
_AT_ONCE = 4
_POWER, _STATE = "runtime.powerState", "runtime.connectionState"


def plan(
    jobs: Iterable[Job],
    *,
    per_host: int = 8,
    per_vcenter: int = 48,
    journal: str | os.PathLike[str] | None = None,
    at: datetime.datetime | None = None,
) -> RunPlan:
    """Says what ``run`` would do with these jobs, and starts nothing.

    It logs in, reads the inventory of each session once, and logs out. No lease is opened and no
    file is made. What would fail has its failure: a VM that is not there or that two names mean, a
    second export to one target, a VM that is not switched off and is exported or copied without
    ``snapshot``, one that is inaccessible, all of a vCenter that is away or refuses the login.

    Args:
        jobs: As for ``run``.
        per_host: As for ``run``: disks that move at once from one host.
        per_vcenter: The same for one session.
        journal: The path of a journal. It is read alone, and need not be there yet; whether the
            files of a done job still exist is not checked.
        at: When the run begins, for ``{date}`` and ``{time}`` of the targets; None means now.

    Returns:
        The jobs, the hosts, and how long it takes at least.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A number is out of its range, or two jobs are the same.
        SessionSourceError: A session is not registered.
        JournalError: The journal is damaged, or of a newer nfclease.

    Examples:
        >>> from nfclease import fleet
        >>> fleet.register_session("lab", simulator.connect)
        >>> planned = fleet.plan([fleet.ExportJob("lab", "demo-vm", "{vm}.ova")])
        >>> [(each.target, each.disks, each.failure) for each in planned.jobs]
        [('demo-vm.ova', 3, None)]
    """
    Rules(per_host, per_vcenter).check()
    made, done = checked(jobs), _done(journal)
    directory = tempfile.gettempdir()  # nothing is written there: no worker has to hear of it
    place = RunPlace(uuid.uuid4().hex, directory, os.getpid())
    try:
        items = Plan(made, place, at or datetime.datetime.now()).items
        problems = _problems(items, place)
    finally:
        forget(place)
    rows = tuple(_row(item, problems.get(item.key), done) for item in items)
    hosts = sorted(hosts_of(rows, per_host), key=lambda host: (-host.seconds, host.host))
    return RunPlan(rows, tuple(hosts), _seconds(hosts, per_vcenter))


def _done(journal: str | os.PathLike[str] | None) -> dict[str, str]:
    """The targets of what an earlier run has done, by key."""
    if journal is None or not os.path.exists(journal):
        return {}
    states = ("done", "skipped")
    return {row["key"]: row["target"] for row in read_status(journal) if row["state"] in states}


def _row(item: Planned, problem: Failure | None, done: dict[str, str]) -> PlannedJob:
    return PlannedJob(
        key=item.key,
        vm=item.job.subject,
        target=item.assignment.target,
        vcenter=item.vcenter,
        host=item.host_name,
        disks=item.disks,
        bytes=item.bytes,
        failure=item.failure or problem,
        skipped=bool(item.assignment.target) and done.get(item.key) == item.assignment.target,
    )


def _problems(items: Iterable[Planned], place: RunPlace) -> dict[str, Failure]:
    """Why VMs cannot be exported or copied as they are now, by the keys of their jobs."""
    by_session: dict[str, dict[str, Planned]] = {}
    for item in items:
        if item.failure is None and item.job.kind in ("export", "copy"):
            by_session.setdefault(item.vcenter, {})[item.key] = item
    found: dict[str, Failure] = {}
    for session in by_session.values():
        first = next(iter(session.values()))
        try:
            states = _states(worker_of(place).logins.session(first.job.session), session)
        except Exception as error:  # it went away since its inventory was read
            found |= dict.fromkeys(session, judge(error))
            continue
        for key, item in session.items():
            failure = _problem(item, states.get(item.assignment.moid, {}))
            if failure is not None:
                found[key] = failure
    return found


def _states(service: Any, items: dict[str, Planned]) -> dict[str, dict[str, Any]]:
    kind: Any = vim.VirtualMachine
    vms = [kind(moid, service._stub) for moid in {each.assignment.moid for each in items.values()}]
    try:
        return {vm._moId: has for vm, has in read_each(vms, kind, (_POWER, _STATE))}
    except vmodl.fault.ManagedObjectNotFound:  # one was removed just now
        return {}


def _problem(item: Planned, has: dict[str, Any]) -> Failure | None:
    state, power = str(has.get(_STATE) or "connected"), str(has.get(_POWER) or "poweredOff")
    if state != "connected":
        verdict: Any = "later" if state == "disconnected" else "never"
        return Failure(verdict, f"the VM is {state}", "vim.fault.InvalidState")
    if power != "poweredOff" and not item.job.options.get("snapshot"):
        reason = f"the VM is {power}: {item.job.kind} a snapshot of it, or switch it off"
        return Failure("never", reason, "vim.fault.InvalidPowerState")
    return None


def hosts_of(rows: Iterable[PlannedJob], per_host: int) -> Iterator[PlannedHost]:
    """What moves from each host, and how long that takes."""
    by_host: dict[tuple[str, str], list[PlannedJob]] = {}
    for row in rows:
        if row.failure is None and not row.skipped:
            by_host.setdefault((row.vcenter, row.host), []).append(row)
    for (vcenter, host), jobs in by_host.items():
        disks, size = sum(job.disks for job in jobs), sum(job.bytes for job in jobs)
        longest = max(job.bytes / max(min(job.disks, _AT_ONCE), 1) for job in jobs)
        seconds = max(longest, size / max(min(disks, per_host), 1)) / STREAM_RATE
        yield PlannedHost(vcenter, host, len(jobs), disks, size, seconds)


def _seconds(hosts: Iterable[PlannedHost], per_vcenter: int) -> float:
    """The slowest host, or what a vCenter takes for the bytes of all."""
    sizes: dict[str, int] = {}
    longest = 0.0
    for host in hosts:
        sizes[host.vcenter] = sizes.get(host.vcenter, 0) + host.bytes
        longest = max(longest, host.seconds)
    return max([longest, *(size / per_vcenter / STREAM_RATE for size in sizes.values())])
