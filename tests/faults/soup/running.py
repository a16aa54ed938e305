"""Runs seeds in this process, one after the other, and looks at what each left behind."""

from __future__ import annotations

import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pyVmomi import vim

from ...support.clock import Stopwatch
from ...support.importing import vm_names
from ...support.inventory import find
from ...support.waiting import wait_for
from ..harness import invariants, texts
from ..harness.limits import Overdue, no_longer_than
from . import judging
from .jobs import IMPORTED, job_of, trouble
from .outcome import Ended, failed, worked
from .recipe import Recipe, recipe_of
from .stage import VM, Stage, secrets_of

#: Seconds that a run may take.
DEADLINE = 30.0
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
            _watched(stage, service, recipe, target, ran, log.texts)
            del service
    except Overdue:
        ran.violations.append("I7: did not end")
    except Exception as error:
        told = "".join(traceback.format_exception(error))
        ran.violations.append(f"the run itself failed: {told[-2000:]}")
    stage.simulator.expire()
    ran.violations += invariants.resources_back(stage.held)
    ran.violations += stage.clean_after()
    ran.whole = clock.seconds()
    return ran


def _watched(
    stage: Stage, service: Any, recipe: Recipe, target: Path, ran: Ran, logged: list[str]
) -> None:
    _plant(recipe, target)
    before = invariants.tree_of(target)
    vm = find(service, vim.VirtualMachine, VM)
    key = service.content.sessionManager.currentSession.key
    job = job_of(recipe, vm, stage.package, target)
    for fault in recipe.faults:
        stage.simulator.inject(fault.kind, count=fault.count, **fault.params)
    start, clock = invariants.reset_peak(), Stopwatch(stage.simulator.pid)
    ended = _do(recipe, job, _server_side(stage, recipe, key))
    ran.ended, ran.seconds = ended.name, clock.seconds()
    growth = invariants.peak() - start
    secrets = secrets_of(stage.simulator, service)
    found = [*ended.violations, *judging.leases(recipe, ended, stage)]
    stage.simulator.clear()
    most = invariants.GROWTH + _STREAMS * invariants.GROWTH_PER_STREAM
    found += [
        *judging.files(recipe, ended, stage, target, before),
        *invariants.secrets_hidden(secrets, [*ended.texts, *logged]),
        *invariants.memory(growth, most),
        *invariants.in_time(ran.seconds, DEADLINE),
        *invariants.no_panic([*ended.texts, *logged]),
    ]
    ran.violations += found
    if recipe.imports:
        ran.violations += _imported(stage, recipe, ended)


def _plant(recipe: Recipe, target: Path) -> None:
    """An older package, which is replaced as a whole or not at all."""
    if recipe.face.startswith("export"):
        older = target / ("package.ova" if recipe.archive else "package/package.ovf")
        older.parent.mkdir(exist_ok=True)
        older.write_bytes(b"an older package")


def _do(recipe: Recipe, job: Any, happens: Any) -> Ended:
    try:
        with trouble(recipe, happens):
            ended = worked(job())
    except BaseException as error:
        if isinstance(error, Overdue):
            raise
        ended = failed(error, recipe)
    return ended


def _server_side(stage: Stage, recipe: Recipe, key: str) -> Any:
    """What ends the session, or the lease, from another side."""
    if recipe.trouble == "expires":
        return stage.simulator.expire

    def terminate() -> None:
        other = stage.simulator.connect()
        other.content.sessionManager.TerminateSession([key])
        other.content.sessionManager.Logout()
        other._stub.DropConnections()

    return terminate


def _imported(stage: Stage, recipe: Recipe, ended: Ended) -> list[str]:
    """What became of the VM, which goes again."""
    stage.simulator.expire()
    with stage.other_session() as service:
        found = judging.imported(recipe, ended, stage, vm_names(service))
        if IMPORTED in vm_names(service):
            task = find(service, vim.VirtualMachine, IMPORTED).Destroy_Task()
            wait_for(lambda: task.info.state not in ("queued", "running"))
    return found
