"""What a server says of a VM that shows, when it says the same later, that nothing has changed."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from pyVmomi import vim

from nfclease._arguments import capacity_of
from nfclease.inventory._disks import DEVICES, by_key, machines
from nfclease.inventory._reading import content_of, read_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_UUID, _VERSION, _POWER = "config.instanceUuid", "config.changeVersion", "runtime.powerState"
_OFF = vim.VirtualMachine.PowerState.poweredOff


class Identity(NamedTuple):
    """Of a VM, a vApp or a snapshot: what JSON can hold.

    Attributes:
        vm: Of the whole: which it is, ``changeVersion`` and power state of each VM.
        disks: Of each disk, by ``DeviceUrl.key``. A disk whose backing has no ``contentId`` is
            left out: nobody could tell whether it was written to.
    """

    vm: dict[str, Any]
    disks: dict[str, dict[str, Any]]


def identity_of(vm: Any, snapshot: Any) -> Identity:
    """What the server says now; calls.

    A VM counts only while it is off: ``contentId`` may be behind while it runs. What a snapshot
    has does not change, whatever its VM does; another snapshot is another moment.

    Args:
        vm: The VM or vApp.
        snapshot: The snapshot of it that is exported; None where it is exported as it is.
    """
    server = content_of(vm._stub).about.instanceUuid or ""
    if snapshot is None:
        found = list(machines(vm, [_UUID, _VERSION, _POWER, DEVICES]))
    else:
        read = read_each([snapshot], vim.vm.Snapshot, [_UUID, _VERSION, DEVICES])
        found = [(vm, {**has, _POWER: _OFF}) for _, has in read]
    rows, disks = [], {}
    for machine, has in found:
        rows.append([machine._moId, *(str(has.get(name) or "") for name in (_UUID, _VERSION))])
        if has.get(_VERSION) and has.get(_POWER) == _OFF:
            disks.update(_disks(machine._moId, has.get(DEVICES) or []))
    taken = None if snapshot is None else snapshot._moId
    whole = {"server": server, "entity": vm._moId, "snapshot": taken, "vms": sorted(rows)}
    return Identity(whole, disks)


def _disks(vm: str, devices: list[Any]) -> dict[str, dict[str, Any]]:
    with suppress(LookupError):  # a disk without a controller: nothing of this VM is known
        return {
            key: {
                "device": disk.key,
                "uuid": getattr(disk.backing, "uuid", None),
                "content_id": disk.backing.contentId,
                "file": getattr(disk.backing, "fileName", None),
                "capacity": capacity_of(disk),
            }
            for key, disk in by_key(vm, devices)
            if getattr(disk.backing, "contentId", None)
        }
    return {}
