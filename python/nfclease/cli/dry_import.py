"""``nfclease import --dry-run``: what would be made, where, and what the server would be asked."""

from __future__ import annotations

from nfclease.cli.dry_run import Need, show_needs, show_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator
    from typing import Any

    from nfclease import ImportPlan
    from nfclease.cli.console import Console
    from nfclease.cli.place import Place

__all__ = ["needs_of", "say", "taken"]


def say(
    service_instance: Any,
    source: Any,
    place: Place,
    options: dict[str, Any],
    args: argparse.Namespace,
    console: Console,
) -> int:
    """Says what the import would do; the server judges the descriptor, and nothing is changed.

    Returns:
        0, or 1 when something is known that would make it fail.
    """
    from nfclease import plan_import
    from nfclease.cli.tables import size

    plan = plan_import(source, place.pool, **options)
    _show(plan, console)
    problems = taken(service_instance, plan.folder, plan.name)
    needs = needs_of(place.pool, plan.folder, plan.datastore, plan.networks.values(), args)
    problems += show_needs(console, service_instance, list(needs))
    for text in (*plan.notes, *plan.warnings, *problems):
        console.warn(text)
    summary = _summary(plan, place, problems)
    store, free, held = summary["datastore"], summary["free"], summary["capacity"]
    if free is not None and free < held:
        console.warn(f"the disks can grow to {size(held)}, and {store} has {size(free)} free")
    number = "1 file" if len(plan.files) == 1 else f"{len(plan.files)} files"
    sent = number if plan.bytes is None else f"{number}, {size(plan.bytes)}"
    outcome = "it would fail" if problems else "nothing was done"
    on = f"{store}, {size(free)} free"
    console.row(summary, f"{summary['path']} in {summary['pool']} on {on}: {sent}; {outcome}")
    return 1 if problems else 0


def _show(plan: ImportPlan, console: Console) -> None:
    """The tables: what is sent, and which network is which."""
    from nfclease.cli.tables import capacity, size

    files = (
        (
            {
                "type": "file",
                "name": file.name,
                "size": file.size,
                "disk": file.disk,
                "capacity": file.capacity,
                "checksum_type": file.checksum_type,
            },
            (file.name, size(file.size), capacity(file.capacity), file.checksum_type or ""),
        )
        for file in plan.files
    )
    show_rows(console, ("file", "size", "capacity", "checksum"), files, ("size", "capacity"))
    networks = (
        ({"type": "network", "name": name, "network": to}, (name, to))
        for name, to in _networks(plan).items()
    )
    show_rows(console, ("network", "goes to"), networks)


def _networks(plan: ImportPlan) -> dict[str, str]:
    """The name here of each network of the package."""
    return {name: str(network.name) for name, network in plan.networks.items()}


def _summary(plan: ImportPlan, place: Place, problems: list[str]) -> dict[str, Any]:
    from nfclease.inventory import path_of

    where = place.pool if plan.folder is None else plan.folder
    return {
        "type": "summary",
        "command": "import",
        "dry_run": True,
        "name": plan.name,
        "path": f"{path_of(where)}/{plan.name or '?'}",
        "pool": path_of(place.pool),
        "datastore": plan.datastore.name,
        "free": plan.datastore.summary.freeSpace,
        "files": len(plan.files),
        "bytes": plan.bytes,
        "capacity": sum(file.capacity or file.size or 0 for file in plan.files),
        "networks": _networks(plan),
        "warnings": list(plan.warnings),
        "notes": list(plan.notes),
        "problems": problems,
    }


def taken(service_instance: Any, folder: Any, name: str | None) -> list[str]:
    """That the folder has something of this name, which a server then refuses."""
    if folder is None or not name:
        return []
    found = service_instance.content.searchIndex.FindChild(folder, name)
    if found is None:
        return []
    return [f"there is something called {name} in the folder; give another by --name"]


def needs_of(
    pool: Any, folder: Any, datastore: Any, networks: Iterable[Any], args: argparse.Namespace
) -> Iterator[Need]:
    """The privileges, as the documentation of vSphere has them; a VM's devices may need more."""
    yield Need("VApp.Import", pool, "CreateImportSpec, ImportVApp")
    if folder is not None:
        yield Need("VApp.Import", folder, "ImportVApp")
        yield Need("VirtualMachine.Inventory.Create", folder, "ImportVApp")
    yield Need("Resource.AssignVMToPool", pool, "ImportVApp")
    yield Need("Datastore.AllocateSpace", datastore, "CreateImportSpec")
    for network in {network._moId: network for network in networks}.values():
        yield Need("Network.Assign", network, "ImportVApp")
    if args.power_on:
        on = pool if folder is None else folder
        yield Need("VirtualMachine.Interact.PowerOn", on, "PowerOnVM_Task")
