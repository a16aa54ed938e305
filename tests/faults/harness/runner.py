"""Runs a case, and looks at every invariant afterwards."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import traceback
from pathlib import Path
from typing import Any

from nfclease import HttpNfcLease, export_vm
from nfclease.simulator import Simulator

from ...support.clock import Stopwatch
from ...support.importing import vm_names
from ...support.inventory import connected
from ...support.leases import disk_of
from . import invariants, secrets, texts
from .case import Case
from .limits import Overdue, no_longer_than
from .places import ROOT as ROOT
from .result import Result
from .threads import failures_told
from .worker import Worker
from .world import DISK_SIZE, LARGE_SIZE, World

#: Of every simulator of the harness.
SIMULATOR: dict[str, Any] = {"disk_size": DISK_SIZE, "disks": 1, "initializing": 0.05}
#: The name of the one that most cases share, which has no others.
_USUAL = "[]"
#: How many streams a case has at most: those of one lease.
_STREAMS = 4


class Runner:
    """Has the simulators of the cases, and what a process holds between two of them.

    Args:
        seed: Of the chance in the cases.
        folder: Where everything is; None for a new directory.
        is_inside: This is the process that a case has asked for, and no other is started for it.
    """

    def __init__(self, seed: int = 1, folder: Path | None = None, is_inside: bool = False) -> None:
        self.seed = seed
        self._is_inside = is_inside
        self._folder = folder or Path(tempfile.mkdtemp(prefix="nfclease-faults-"))
        self._places: dict[str, tuple[Simulator, Path]] = {}
        self._numbers = itertools.count()
        self._held: invariants.Held | None = None

    def close(self) -> None:
        """Ends the simulators."""
        while self._places:
            self._end(next(iter(self._places)))
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, options: str) -> None:
        simulator, folder = self._places.pop(options)
        simulator.stop()
        shutil.rmtree(folder, ignore_errors=True)

    def _simulator(self, options: dict[str, Any]) -> tuple[Simulator, Path]:
        """The one with these options, and the folder of its packages."""
        name = repr(sorted(options.items()))
        if name not in self._places:
            # Cases with options of their own stand together: one such server at a time is enough.
            for other in [each for each in self._places if each != _USUAL]:
                self._end(other)
            simulator, folder = Simulator(**{**SIMULATOR, **options}), self._new_folder()
            self._places[name] = simulator, folder
            simulator.add_vm("one", disks=1, disk_size=DISK_SIZE, nvram=False)
            simulator.add_vm("two", disks=2, disk_size=DISK_SIZE, nvram=False)
            simulator.add_vm("large", disks=1, disk_size=LARGE_SIZE, nvram=False)
            for session in connected(simulator):
                for vm in ("one", "large"):
                    export_vm(_named(session, vm), folder / "packages" / vm)
            self._held = None
        return self._places[name]

    def _new_folder(self) -> Path:
        folder = self._folder / str(next(self._numbers))
        folder.joinpath("packages").mkdir(parents=True)
        return folder

    def run(self, case: Case, face: str, variant: str = "") -> Result:
        """Runs one of the runs of a case."""
        result = Result(case.id, face, variant, seed=self.seed)
        result.reason = case.needs()
        if result.reason:
            result.status = "not run"
            return result
        if case.within is not None and not self._is_inside:
            with Worker(self.seed, case.within) as worker:
                return worker.run(case, face, variant)
        simulator, base = self._simulator(dict(case.options))
        simulator.reset()
        folder = base / "run"
        folder.mkdir()
        try:
            self._watched(result, case, variant, simulator, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            simulator.expire()
        result.status = "failed" if result.violations else "survived"
        return result

    def _watched(
        self, result: Result, case: Case, variant: str, simulator: Simulator, folder: Path
    ) -> None:
        if self._held is None:
            clean_transfer(simulator, folder / "warm")
            self._held = invariants.settled()
            simulator.reset()
        start = invariants.reset_peak()
        clock = Stopwatch(simulator.pid)
        try:
            with (
                texts.all_logged() as log,
                no_longer_than(3 * case.deadline + 30),
                failures_told(result.violations),
            ):
                world = World(case, result.face, simulator, folder, self.seed)
                try:
                    _do(world, variant)
                    result.seconds, own = clock.elapsed(), clock.seconds()
                    result.growth, result.numbers = invariants.peak() - start, world.numbers
                    result.violations += [
                        *self._after(world, case, result, log),
                        *invariants.in_time(own, case.deadline),
                    ]
                finally:
                    world.close()
                del world
        except Overdue:
            result.violations.append("I7: did not end")
        result.violations += invariants.resources_back(self._held)
        result.violations += _clean_after(simulator, folder / "clean")

    def _after(self, world: World, case: Case, result: Result, log: texts.Log) -> list[str]:
        simulator = world.simulator
        world.requests()
        simulator.clear()
        after, said = invariants.tree_of(world.target), [*world.texts, *log.texts]
        kept = [*secrets.in_files(world.target), *secrets.in_command_lines()]
        most = invariants.GROWTH + _STREAMS * invariants.GROWTH_PER_STREAM
        found = [
            *world.violations,
            *invariants.final_names(world.before, after, world.failed),
            *invariants.partial_files(after),
            *invariants.endings(simulator.calls(), simulator.leases(), world.wanted, world.held),
            *invariants.secrets_hidden(world.secrets, [*said, *kept, *world.pickles]),
            *invariants.memory(result.growth, case.growth or most),
            *invariants.no_panic(said),
            *texts.printed(world.texts),
            *log.violations,
        ]
        if world.failed and result.face == "import_vapp":
            for session in connected(simulator):
                new = set(vm_names(session)) - set(world.vms)
                if len(new) <= world.vms_left:
                    new.clear()
                found += [f"I1: the VM {name} was left" for name in sorted(new)]
        return found


def _do(world: World, variant: str) -> None:
    """What a case does not expect is a violation, and not the end of the catalogue."""
    try:
        world.case.do(world, variant)
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        world.violations.append(f"I8: not expected: {text[-1500:]}")
        traceback.clear_frames(error.__traceback__)


def clean_transfer(simulator: Simulator, folder: Path) -> str:
    """How an export without a fault was verified."""
    folder.mkdir()
    for session in connected(simulator):
        with HttpNfcLease(_named(session, "one").ExportVm()) as lease:
            verified: str = lease.download(disk_of(lease), folder / "disk").verified
    return verified


def _clean_after(simulator: Simulator, folder: Path) -> list[str]:
    """I9: the process can do a transfer."""
    try:
        verified = clean_transfer(simulator, folder)
    except Exception as error:
        return [f"I9: a clean transfer afterwards failed: {error!r}"]
    return [] if verified == "manifest" else [f"I9: a clean transfer was {verified!r}"]


def _named(session: Any, name: str) -> Any:
    from pyVmomi import vim

    from ...support.inventory import find

    return find(session, vim.VirtualMachine, name)
