"""``--dry-run`` of many VMs: the plan, host by host, and what would fail."""

from __future__ import annotations

import dataclasses
import os

from nfclease._text import escaped
from nfclease.cli.dry_run import free_space, show_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from nfclease.cli.console import Console
    from nfclease.fleet import ExportJob, PlannedHost, PlannedJob, RunPlan


def say(jobs: list[ExportJob], args: argparse.Namespace, console: Console) -> int:
    """Says what the export would do; no lease is opened.

    Returns:
        0, or 1 when something is known that would make a VM fail.
    """
    from nfclease import fleet
    from nfclease.cli.many.options import caps
    from nfclease.cli.tables import size

    plan = fleet.plan(jobs, journal=args.journal, **caps(args))
    problems = [text for each in plan.jobs if (text := _problem(each, args))]
    _show(plan, console)
    room = _room(plan.jobs)
    free = free_space(room) if room and args.dask is None else None
    if free is not None and free < plan.bytes:
        console.warn(
            f"{size(plan.bytes)} are stored on the server, and {room} has {size(free)} free; "
            "what is sent is compressed"
        )
    for text in problems:
        console.warn(text)
    row = {
        "type": "summary",
        "command": "export",
        "dry_run": True,
        "jobs": len(plan.jobs),
        "skipped": len(plan.skipped),
        "disks": sum(host.disks for host in plan.hosts),
        "bytes": plan.bytes,
        "free": free,
        "seconds": round(plan.seconds, 3),
        "problems": problems,
    }
    console.row(row, _sentence(plan, problems))
    return 1 if problems else 0


def _show(plan: RunPlan, console: Console) -> None:
    if console.json:
        for each in plan.jobs:
            console.row({"type": "vm", **dataclasses.asdict(each)}, "")
    show_hosts(plan.hosts, console)


def show_hosts(hosts: Sequence[PlannedHost], console: Console) -> None:
    """The table of the hosts: what moves from each, and how long that takes."""
    show_rows(
        console,
        ("host", "vms", "disks", "at most", "time"),
        [({"type": "host", **dataclasses.asdict(host)}, _cells(host)) for host in hosts],
        ("vms", "disks", "at most", "time"),
    )


def _cells(host: PlannedHost) -> tuple[str, ...]:
    from nfclease.cli.tables import duration, size

    name = host.host or "unknown"
    return (name, str(host.jobs), str(host.disks), size(host.bytes), duration(host.seconds))


def _sentence(plan: RunPlan, problems: Sequence[str]) -> str:
    from nfclease.cli.tables import duration, size

    disks = sum(host.disks for host in plan.hosts)
    parts = [
        "1 disk" if disks == 1 else f"{disks} disks",
        f"{size(plan.bytes)} at most",
        f"{duration(plan.seconds)} at 25 MB/s a stream",
    ]
    if plan.skipped:
        parts.insert(0, f"{len(plan.skipped)} done before")
    number = "1 VM" if len(plan.jobs) == 1 else f"{len(plan.jobs)} VMs"
    outcome = f"{len(problems)} would fail" if problems else "nothing was done"
    return f"{number}: {', '.join(parts)}; {outcome}"


def _problem(job: PlannedJob, args: argparse.Namespace) -> str | None:
    if job.skipped:
        return None
    if job.failure is not None:
        return f"{escaped(job.vm)}: {job.failure.verdict}: {job.failure.reason}"
    if args.dask is None and not args.overwrite and _is_taken(job.target):
        return f"{escaped(job.vm)}: never: {escaped(job.target, 1000)} exists already"
    return None


def _is_taken(path: str) -> bool:
    """Whether an export there would be refused without ``--overwrite``."""
    if os.path.isdir(path) and not path.lower().endswith(".ova"):
        return bool(os.listdir(path))
    return os.path.lexists(path)


def _room(jobs: Sequence[PlannedJob]) -> str | None:
    """The nearest directory above the targets that exists; None if no VM can be exported."""
    path = next((os.path.dirname(job.target) for job in jobs if job.target), None)
    while path and not os.path.isdir(path):
        path = os.path.dirname(path)
    return path
