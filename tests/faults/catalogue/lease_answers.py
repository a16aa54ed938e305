"""E: answers about a lease that are lost, odd, or of a vCenter that has forgotten it."""

from __future__ import annotations

from typing import Any

from nfclease import AmbiguousLeaseError
from nfclease.inventory import cancel_task, lease_tasks

from ..harness.case import case
from ..harness.world import World

#: What opens the lease of a whole job. A lease's own faces get one that the script has opened.
OPENS = {"export_vm": "ExportVm", "import_vapp": "ImportVApp", "fleet": "ExportVm"}

LOST: dict[str, dict[str, Any]] = {
    "dropped": {"kind": "drop", "after": True},
    "503 of a front": {"kind": "soap_status", "code": 503, "after": True},
    "half an answer": {"kind": "raw_reply", "body": "<?xml version='1.0'?><Env", "after": True},
    "never came": {"kind": "drop"},
}


@case(
    "E12",
    "the answer to ExportVm or ImportVApp is lost",
    "AmbiguousLeaseError, sent once; the message names the task that holds the VM, and with that "
    "task the lease ends; where the call never came, it says that there is none",
    faces=tuple(OPENS),
    variants=LOST,
)
def opening_is_lost(world: World, how: dict[str, Any]) -> None:
    params, method = dict(how), OPENS[world.face]
    kind, held = params.pop("kind"), params.get("after", False)
    world.simulator.inject(kind, method=method, **params)
    says = rf"(?i)not sent again.*{method}.*cancel its task" if held else "shows none: try again"
    with world.fails(AmbiguousLeaseError, says=says, ends=()):
        world.job()
    world.expect(len(world.simulator.calls(method)) == 1, "it was sent once")
    found = lease_tasks(world.service)
    world.expect(len(found) == held, f"{int(held)} leases are held")
    told = " ".join(world.texts)
    world.expect(all(each.key in told for each in found), "its task is named")
    world.expect(all(cancel_task(each, 10) for each in found), "its task can be cancelled")
