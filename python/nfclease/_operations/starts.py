"""The order in which the files of a lease start.

Where not all of them move at once, the longest starts first: the one that starts last moves alone
at the end.
"""

from __future__ import annotations

from collections import Counter

from nfclease._arguments import capacity_of, count
from nfclease._log import calls, extra
from nfclease._text import escaped, reason_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from nfclease._backends.base import Backend
    from nfclease._lease_core import LeaseCore


async def of_downloads(
    lease: LeaseCore, backend: Backend, entity: Any, devices: Sequence[Any]
) -> list[int]:
    """The positions of these devices in the order of their starts.

    A lease does not say how long a disk is: the virtual hardware of its VM, or of those of its
    vApp, is read for that, and only where it decides something. Where it cannot be read, or a disk
    is not found in it, the order stays.
    """
    given = list(range(len(devices)))
    if len(devices) <= lease.max_concurrency:
        return given
    try:
        here = type(entity)(entity._moId, lease.stub)
        capacities = await backend.for_call(lambda: _capacities(here))
        sizes = [_size(device, capacities) for device in devices]
    except Exception as error:  # whatever it is, the files can be moved without it
        text, why = "%s: the files start in the order of the devices (%s)", reason_of(error)
        calls().debug(text, lease.moid, escaped(why), extra=extra(lease.moid, lease.native.vm()))
        return given
    return sorted(given, key=lambda at: -sizes[at])


def of_uploads(files: Sequence[tuple[str, int]]) -> list[int]:
    """The positions of these files in the order of their starts.

    Those of one device stay in their order, since one may be the delta of another. The first
    counts with all that wait for it.

    Args:
        files: The key of each file's device, and how long the file is.
    """
    left: Counter[str] = Counter()
    lengths = []
    for key, size in reversed(files):
        left[key] += size
        lengths.append(left[key])
    lengths.reverse()
    return sorted(range(len(files)), key=lambda at: -lengths[at])


def _size(device: Any, capacities: dict[str, int]) -> int:
    """What a disk can hold, or the ``fileSize`` of another file.

    Raises:
        LookupError: It may be a disk, and nobody knows which.
    """
    if device.key in capacities:
        return capacities[device.key]
    if device.disk is False:
        return count(device.fileSize) or 0
    raise LookupError(f"no virtual disk is {device.key!r}")


def _capacities(entity: Any) -> dict[str, int]:
    """What the disks of a VM or vApp can hold, by the keys that a lease has for them; calls."""
    from nfclease.inventory._disks import DEVICES, by_key, machines

    return {
        key: capacity_of(disk)
        for vm, has in machines(entity, [DEVICES])
        for key, disk in by_key(vm._moId, has.get(DEVICES) or [])
    }
