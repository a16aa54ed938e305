"""Runs seeds in this process, one after the other, and looks at what each left behind."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pyVmomi import vim

from ...support.clock import Stopwatch
from ...support.importing import vm_names
from ...support.inventory import find
from ..harness import invariants, texts
from ..harness.limits import Overdue, no_longer_than
from . import judging
from .jobs import IMPORTED, job_of, trouble
from .killing import Killed, Victim
from .outcome import Ended, failed, worked
from .recipe import Recipe, recipe_of
from .stage import OLDER, VM, Stage, destroy, secrets_of

#: Seconds that a run may take.
DEADLINE = 30.0
#: The same where nobody says whether a lease is ready: it counts as lost after 48 seconds of that.
UNHEARD = 60.0
_STREAMS = 4


@dataclass
class Ran:
    """How the run of a seed ended.

    Attributes:
        seed: The seed.
        face: What it ran on.
        ended: The class of the error, or how its files were verified.
        seconds: How long it took.
        whole: The same with all that was looked at afterwards.
        violations: What did not hold.
        recipe: What went wrong in it, for people.
    """

    seed: int
    face: str
    ended: str = ""
    seconds: float = 0.0
    whole: float = 0.0
    violations: list[str] = field(default_factory=list)
    recipe: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def run(stage: Stage, seed: int) -> Ran:
    """Runs a seed."""
    recipe, clock = recipe_of(seed), Stopwatch()
    ran = Ran(seed, recipe.face, recipe=recipe.lines())
    try:
        with (
            texts.all_logged() as log,
            no_longer_than(3 * DEADLINE),
            stage.folder() as target,
            stage.session() as service,
        ):
            _watched(stage, service, recipe, target, ran, log)
            del service
    except Overdue:
        ran.violations.append("I7: did not end")
    except Exception as error:
        told = "".join(traceback.format_exception(error))
        ran.violations.append(f"the run itself failed: {told[-2000:]}")
    stage.simulator.expire()
    left = stage.spooled()
    ran.violations += left if recipe.trouble != "killed" else []
    ran.violations += invariants.resources_back(stage.held)
    ran.violations += stage.clean_after()
    ran.whole = clock.seconds()
    return ran


def _watched(
    stage: Stage, service: Any, recipe: Recipe, target: Path, ran: Ran, log: texts.Log
) -> None:
    _plant(recipe, target)
    before = invariants.tree_of(target)
    vm = find(service, vim.VirtualMachine, VM)
    key = service.content.sessionManager.currentSession.key
    job: Callable[[], list[Any]]
    if recipe.trouble == "killed":
        job = Victim(stage, recipe, target).run
    else:
        job = job_of(recipe, vm, stage.packages, target)
    with _other_side(stage, recipe, key) as happens:
        for fault in recipe.faults:
            stage.simulator.inject(fault.kind, count=fault.count, **fault.params)
        start, clock = invariants.reset_peak(), Stopwatch(stage.simulator.pid)
        ended = _do(recipe, job, happens)
        ran.ended, ran.seconds = ended.name, clock.seconds()
        growth = invariants.peak() - start
    secrets = secrets_of(stage.simulator, service)
    found = [*ended.violations, *judging.leases(recipe, ended, stage)]
    stage.simulator.clear()
    most = invariants.GROWTH + _STREAMS * invariants.GROWTH_PER_STREAM
    found += [
        *judging.files(recipe, ended, stage, target, before),
        *invariants.secrets_hidden(secrets, [*ended.texts, *log.texts, *ended.pickles]),
        *invariants.memory(growth, most),
        *invariants.in_time(ran.seconds, UNHEARD if recipe.is_unheard else DEADLINE),
        *invariants.no_panic([*ended.texts, *log.texts]),
        *log.violations,
    ]
    ran.violations += found
    if recipe.makes:
        ran.violations += _imported(stage, recipe, ended)
    if recipe.snapshot:
        left = stage.snapshots()
        ran.violations += [] if judging.snapshot_may_stay(recipe, ended) else left
    if ended.kind is Killed:
        ran.violations += _again(stage, recipe, target)


def _again(stage: Stage, recipe: Recipe, target: Path) -> list[str]:
    """What a process that was killed has left does not hinder the next one."""
    stage.simulator.expire()
    clean = replace(recipe, faults=[], trouble="")
    with stage.other_session() as service:
        vm = find(service, vim.VirtualMachine, VM)
        ended = _do(clean, job_of(clean, vm, stage.packages, target), lambda: None)
    found = [*ended.violations] if ended.verified == "manifest" else [f"I9: then {ended.name}"]
    if recipe.makes:
        return [*found, *_imported(stage, clean, ended)]
    for path in [*target.rglob("*")]:  # what a kill may leave, under names of its own
        if invariants.is_partial(path.name) and path.exists():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return [*found, *judging.files(clean, ended, stage, target, {})]


def _plant(recipe: Recipe, target: Path) -> None:
    """An older package, which is replaced as a whole or not at all."""
    if recipe.face.startswith("export"):
        older = target / ("package.ova" if recipe.archive else "package/package.ovf")
        older.parent.mkdir(exist_ok=True)
        older.write_bytes(OLDER)


def _do(recipe: Recipe, job: Any, happens: Any) -> Ended:
    try:
        with trouble(recipe, happens):
            ended = worked(job())
    except BaseException as error:
        if isinstance(error, Overdue):
            raise
        ended = failed(error, recipe)
    return ended


@contextmanager
def _other_side(stage: Stage, recipe: Recipe, key: str) -> Iterator[Callable[[], object]]:
    """What ends the session, or the lease, from another side: open before anything goes wrong."""
    if recipe.trouble != "logged out":
        yield stage.simulator.expire
        return
    other = stage.simulator.connect()
    manager = other.content.sessionManager
    try:
        yield lambda: manager.TerminateSession([key])
    finally:
        manager.Logout()
        other._stub.DropConnections()


def _imported(stage: Stage, recipe: Recipe, ended: Ended) -> list[str]:
    """What became of the VM, which goes again."""
    stage.simulator.expire()
    with stage.other_session() as service:
        found = judging.imported(recipe, ended, stage, vm_names(service))
        if IMPORTED in vm_names(service):
            destroy(find(service, vim.VirtualMachine, IMPORTED))
    return found
