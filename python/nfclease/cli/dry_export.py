"""``nfclease export --dry-run``: disks, room, and what the server would be asked for."""

from __future__ import annotations

from nfclease.cli.dry_run import Need, free_space, show_needs, show_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import Any

    from nfclease.cli.console import Console
    from nfclease.cli.target import Target

__all__ = ["needs_of", "problems_of", "say", "show_disks"]


def say(
    service_instance: Any, vm: Any, target: Target, args: argparse.Namespace, console: Console
) -> int:
    """Says what the export would do; nothing is changed and no lease is opened.

    Returns:
        0, or 1 when something is known that would make it fail.
    """
    from nfclease.cli.tables import size
    from nfclease.inventory import path_of

    rows = show_disks(vm, console)
    problems = list(problems_of(vm, args))
    problems += show_needs(console, service_instance, list(needs_of(vm, args)))
    stored = sum(row["stored"] or 0 for row in rows)
    free = free_space(target.room)
    path = path_of(vm)
    summary = {
        "type": "summary",
        "command": "export",
        "dry_run": True,
        "name": args.name or vm.name,
        "path": None if target.is_pipe else target.path,
        "vm": path,
        "disks": len(rows),
        "capacity": sum(row["capacity"] or 0 for row in rows),
        "stored": stored,
        "free": free,
        "problems": problems,
    }
    if free is not None and free < stored:
        console.warn(
            f"{size(stored)} are stored on the server, and {target.room} has {size(free)} free; "
            "what is sent is compressed"
        )
    for text in problems:
        console.warn(text)
    number = "1 disk" if len(rows) == 1 else f"{len(rows)} disks"
    room = "" if free is None else f", {size(free)} free"
    outcome = "it would fail" if problems else "nothing was done"
    held = f"{size(stored)} stored, less when sent"
    console.row(summary, f"{path} to {target.name}{room}: {number}, {held}; {outcome}")
    return 1 if problems else 0


def show_disks(vm: Any, console: Console) -> list[dict[str, Any]]:
    """Shows the disks of a VM or vApp.

    Returns:
        The rows.
    """
    from nfclease.cli.tables import capacity, size

    machines = list(_machines(vm))
    rows = [row for machine in machines for row in _disks(machine, several=len(machines) > 1)]
    shown = (
        (row, (row["name"], capacity(row["capacity"]), size(row["stored"]), row["file"]))
        for row in rows
    )
    show_rows(console, ("disk", "capacity", "stored", "file"), shown, ("capacity", "stored"))
    return rows


def _machines(entity: Any) -> Iterator[Any]:
    """The VM, or those of a vApp."""
    from pyVmomi import vim

    if isinstance(entity, vim.VirtualMachine):
        yield entity
        return
    yield from entity.vm
    for pool in entity.resourcePool:
        yield from _machines(pool)


def _disks(machine: Any, *, several: bool) -> list[dict[str, Any]]:
    """A row for each virtual disk: what it can hold, and what its files take on the server."""
    from pyVmomi import vim

    layout = machine.layoutEx
    files = {file.key: file.size for file in layout.file} if layout else {}
    stored = {
        disk.key: sum(files.get(key, 0) for link in disk.chain for key in link.fileKey)
        for disk in (layout.disk if layout else ())
    }
    named = {file.name: file.size for file in layout.file} if layout else {}
    rows = []
    for device in machine.config.hardware.device:
        if not isinstance(device, vim.vm.device.VirtualDisk):
            continue
        label = device.deviceInfo.label if device.deviceInfo else str(device.key)
        file = getattr(device.backing, "fileName", "") or ""
        rows.append(
            {
                "type": "disk",
                "name": f"{machine.name}: {label}" if several else label,
                "capacity": device.capacityInBytes or device.capacityInKB << 10,
                "stored": stored.get(device.key, named.get(file)),
                "file": file,
            }
        )
    return rows


def problems_of(vm: Any, args: argparse.Namespace) -> Iterator[str]:
    """What is known to make the export of a VM or vApp fail."""
    from nfclease.inventory import blocking_tasks
    from nfclease.inventory._reading import power_state

    for machine in _machines(vm):
        if not args.snapshot and power_state(machine) != "poweredOff":
            yield f"{machine.name} is not powered off: give --snapshot, or switch it off"
        for task in blocking_tasks(machine):
            yield f"a task holds {machine.name}: {task}"


def needs_of(vm: Any, args: argparse.Namespace) -> Iterator[Need]:
    """The privileges, as the documentation of vSphere has them."""
    call = "ExportSnapshot" if args.snapshot else "ExportVm"
    if not hasattr(vm, "layoutEx"):
        call = "ExportVApp"
    yield Need("VApp.Export", vm, f"{call}, CreateDescriptor")
    if args.snapshot:
        yield Need("VirtualMachine.State.CreateSnapshot", vm, "CreateSnapshot_Task")
        yield Need("VirtualMachine.State.RemoveSnapshot", vm, "RemoveSnapshot_Task")
