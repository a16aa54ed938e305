"""``nfclease copy --dry-run``: what moves, from where to where, and what both servers are asked."""

from __future__ import annotations

import tempfile

from nfclease.cli import dry_export, dry_import
from nfclease.cli.dry_run import free_space, show_needs

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from nfclease.cli.console import Console
    from nfclease.cli.place import Place
    from nfclease.fleet import PlannedHost

__all__ = ["say"]

#: Files of a lease that are on their way at once.
_AT_ONCE = 4


def say(
    here: Any, vm: Any, there: Any, place: Place, args: argparse.Namespace, console: Console
) -> int:
    """Says what the copy would do; nothing is changed and no lease is opened.

    Args:
        here: The session of the VM.
        vm: A VM or vApp.
        there: The session where it goes.
        place: Where it goes.
        args: Of the command.
        console: Gets it.

    Returns:
        0, or 1 when something is known that would make it fail.
    """
    from nfclease.appliance._import_place import datastore_of, folder_of
    from nfclease.cli.many.dry import show_hosts

    pool = place.pool
    store = datastore_of(place.datastore, place.host or pool.owner)
    folder = folder_of(pool, place.folder, pool.owner)
    rows = dry_export.show_disks(vm, console)
    host = _host(vm, rows, args)
    show_hosts([host], console)
    name = args.name or vm.name
    networks = [each for each in place.networks.values() if not isinstance(each, str)]
    problems = list(dry_export.problems_of(vm, args))
    problems += dry_import.taken(there, folder, name)
    problems += show_needs(console, here, list(dry_export.needs_of(vm, args)))
    needs = dry_import.needs_of(pool, folder, store, networks, args)
    problems += show_needs(console, there, list(needs))
    summary = _summary(vm, name, folder or pool, store, rows)
    summary |= {"pool": _path_of(pool), "seconds": round(host.seconds, 3), "problems": problems}
    _warn(summary, rows, args, console)
    for text in problems:
        console.warn(text)
    console.row(summary, _sentence(summary))
    return 1 if problems else 0


def _host(vm: Any, rows: list[dict[str, Any]], args: argparse.Namespace) -> PlannedHost:
    """What moves from the host of the VM, as a plan of many VMs has it."""
    from nfclease.fleet import PlannedJob
    from nfclease.fleet.planned import hosts_of

    runtime = getattr(vm, "runtime", None)  # that of a vApp has no host
    host = getattr(runtime, "host", None)
    stored = sum(row["stored"] or 0 for row in rows)
    name = host.name if host is not None else ""
    job = PlannedJob(vm.name, vm.name, "", "", name, len(rows), stored)
    [planned] = hosts_of([job], args.max_concurrency or _AT_ONCE)
    return planned


def _summary(
    vm: Any, name: str, above: Any, store: Any, rows: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "type": "summary",
        "command": "copy",
        "dry_run": True,
        "name": name,
        "vm": _path_of(vm),
        "path": f"{_path_of(above)}/{name}",
        "datastore": store.name,
        "free": store.summary.freeSpace,
        "disks": len(rows),
        "capacity": sum(row["capacity"] or 0 for row in rows),
        "stored": sum(row["stored"] or 0 for row in rows),
        "spool_free": free_space(tempfile.gettempdir()),
    }


def _warn(
    summary: dict[str, Any], rows: list[dict[str, Any]], args: argparse.Namespace, console: Console
) -> None:
    """Tells of room that may not be enough: at the target, and here for disks on their way."""
    from nfclease.cli.tables import size

    held, free = summary["capacity"], summary["free"]
    if free is not None and free < held:
        store = summary["datastore"]
        console.warn(f"the disks can grow to {size(held)}, and {store} has {size(free)} free")
    largest = sorted((row["stored"] or 0 for row in rows), reverse=True)
    spooled, free = sum(largest[: args.max_concurrency or _AT_ONCE]), summary["spool_free"]
    if free is not None and free < spooled:
        console.warn(
            f"disks of {size(spooled)} are on their way at once, and {tempfile.gettempdir()} has "
            f"{size(free)} free; --max-concurrency 1 needs room for the largest alone"
        )


def _sentence(summary: dict[str, Any]) -> str:
    from nfclease.cli.tables import duration, size

    number = "1 disk" if summary["disks"] == 1 else f"{summary['disks']} disks"
    time = f"{duration(summary['seconds'])} at 25 MB/s a stream"
    outcome = "it would fail" if summary["problems"] else "nothing was done"
    where = f"{summary['path']} in {summary['pool']} on {summary['datastore']}"
    free = f"{size(summary['free'])} free"
    moved = f"{number}, {size(summary['stored'])} stored, less when sent, {time}"
    return f"{summary['vm']} to {where}, {free}: {moved}; {outcome}"


def _path_of(entity: Any) -> str:
    from nfclease.inventory import path_of

    return path_of(entity)
