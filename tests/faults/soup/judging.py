"""What has to hold after each run of the soup, whatever went wrong in it."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..harness import invariants
from .faults import SNAPSHOT_CALLS
from .jobs import IMPORTED
from .killing import Killed
from .outcome import INTERRUPTS, Ended
from .recipe import LEASES, Recipe
from .stage import OLDER, Stage, files_in

#: An Abort may take so long, and a server under load a little more.
_ENDS = 12.0
_OPEN = ("ready", "initializing")
#: What a call says where the server did what it was asked, or cannot be asked any more.
_LOST = (
    "vim.fault.NotAuthenticated",
    "vim.fault.InvalidState",
    "vmodl.fault.ManagedObjectNotFound",
)


def files(recipe: Recipe, ended: Ended, stage: Stage, target: Path, before: Any) -> list[str]:
    """I1 and I2: the right bytes, or all as it was; nothing that is not whole."""
    if ended.kind is Killed:
        return _after_kill(recipe, stage, target)
    after = invariants.tree_of(target)
    found = invariants.partial_files(after)
    if recipe.makes:
        return found + invariants.final_names(before, after, failed=True)
    there, right = files_in(target), stage.sums[recipe.disks]
    if ended.verified:
        # Without a list of the server's, only the form of the stream is known to be right.
        if ended.verified == "manifest" and there != right:
            found.append("I1: what is verified is not what the server has")
        return found
    if recipe.face in LEASES:  # each file is verified by itself, and some may have been
        without = not there - right or recipe.touches_manifest
        return found + ([] if without else ["I1: a file of another content was left"])
    if ended.kind in INTERRUPTS and there == right:
        return found  # it came when all was done
    return found + invariants.final_names(before, after, failed=True)


def _after_kill(recipe: Recipe, stage: Stage, target: Path) -> list[str]:
    """I1: what has a final name is whole, or the older one."""
    right = stage.sums[recipe.disks]
    if recipe.makes:
        return []
    if recipe.face in LEASES:
        finals = [path for path in target.iterdir() if not invariants.is_partial(path.name)]
        there = sum(map(files_in, finals), Counter[str]())
        wrong = bool(there - right) and not recipe.touches_manifest
        return ["I1: a file of another content has a final name"] if wrong else []
    place = target / ("package.ova" if recipe.archive else "package")
    older = place / "package.ovf" if place.is_dir() else place
    if older.exists() and older.read_bytes() == OLDER:
        return []
    whole = files_in(place) == right or recipe.touches_manifest
    return [] if whole else ["I1: what has the final name is not whole"]


def imported(recipe: Recipe, ended: Ended, stage: Stage, service_vms: Sequence[str]) -> list[str]:
    """I1 of an import: the VM with the very bytes, or no VM."""
    there = IMPORTED in service_vms
    if ended.verified or (there and ended.kind is Killed):
        if not there:
            return ["I1: the imported VM is missing"]
        got = stage.got(IMPORTED)
        unlisted = ended.verified == "stream"  # nobody can know then
        return (
            []
            if unlisted or got == stage.sent[recipe.disks]
            else [f"I1: the server got other bytes: {got}"]
        )
    if there and not (ended.kind in INTERRUPTS or _may_be_held(recipe, ended)):
        return ["I1: a VM was left"]
    return []


def snapshot_may_stay(recipe: Recipe, ended: Ended) -> bool:
    """Whether the snapshot of the job can be there: nobody could, or was let, remove it."""
    if ended.kind is Killed or recipe.trouble == "logged out":
        return True
    said = any(fault.params.get("fault") in _LOST for fault in recipe.faults)
    return said or recipe.touches(*SNAPSHOT_CALLS, "RetrievePropertiesEx", "Fetch")


def leases(recipe: Recipe, ended: Ended, stage: Stage) -> list[str]:
    """I3: each lease is ended, and by one call; one that could not be is told of."""
    held = _held(stage)
    if not _may_be_held(recipe, ended):
        deadline = time.monotonic() + _ENDS
        while (held := _held(stage)) and time.monotonic() < deadline:
            time.sleep(0.05)
    found = []
    if held and not _may_be_held(recipe, ended):
        found.append(f"I3: {len(held)} leases are still held")
    calls: dict[str, list[str]] = defaultdict(list)
    for call in stage.simulator.calls():
        calls[call["moid"]].append(call["method"].removeprefix("HttpNfcLease"))
    for lease in stage.simulator.leases():
        found += _ended_by(Counter(calls[lease["moid"]]), recipe, ended)
    return found


def _held(stage: Stage) -> list[Mapping[str, Any]]:
    return [lease for lease in stage.simulator.leases() if lease["state"] in _OPEN]


def _ended_by(calls: Counter[str], recipe: Recipe, ended: Ended) -> list[str]:
    completes, aborts = calls["Complete"], calls["Abort"]
    again = recipe.touches("HttpNfcLeaseComplete")
    if aborts > 1:
        return [f"I3: {aborts} Aborts of a lease"]
    if completes > 1 and not again:
        return [f"I3: {completes} Completes of a lease"]
    if ended.verified and (not completes or aborts):
        return [f"I3: it worked, with {completes} Completes and {aborts} Aborts"]
    if completes and aborts and not again and recipe.trouble != "logged out":
        return ["I3: a lease was completed and aborted"]
    return []


def _may_be_held(recipe: Recipe, ended: Ended) -> bool:
    """Whether a lease can be left: the server did not let it be ended, or its answer was lost."""
    if ended.kind is Killed or ended.lease_outcome == "abort_failed":
        return True
    if recipe.trouble == "logged out":
        return True
    said = any(fault.params.get("fault") in _LOST for fault in recipe.faults)
    return said or recipe.touches(
        "HttpNfcLeaseAbort", "HttpNfcLeaseComplete", "ExportVm", "ExportSnapshot", "ImportVApp"
    )
