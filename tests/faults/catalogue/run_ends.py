"""C: the driver of a run, a worker of it or a listener ends in its middle."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import nfclease
from nfclease import fleet

from ...fleet.script import Script, is_moving
from ...support.waiting import meanwhile, wait_for
from ..harness.case import case
from ..harness.runs import ONLY, SLOW, VMS, aborted, jobs_for, leases_gone, run_jobs
from ..harness.world import World


def _worker_of(driver: int) -> int:
    """A worker process of a driver; 0 as long as there is none."""
    for child in Path(f"/proc/{driver}/task/{driver}/children").read_text().split():
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    return 0


def _expect_done(world: World, script: Script, vms: tuple[str, ...]) -> None:
    """The script says that all jobs are done, and they are; what a kill left goes."""
    out, error = script.end()
    world.texts += [out, error]
    world.expect(out.splitlines()[-1:] == ["states" + " done" * len(vms)], f"done: {error[-500:]}")
    for name in vms:
        world.expect(nfclease.verify(world.target / f"{name}.ova").ok, f"{name} is whole")
    for left in [*world.target.iterdir()]:  # it is under names of its own
        if left.suffix != ".ova":
            left.unlink()


@case(
    "C05",
    "a worker process of a driver is killed in the middle of its export",
    "its job is done by the pool after it, and each package is whole",
    faces=ONLY,
    options={"lease_timeout": 3.0},
    deadline=90.0,
)
def worker_killed(world: World) -> None:
    world.simulator.inject("bandwidth", bytes_per_second=SLOW)
    script = Script("processes", world.simulator, world.target, [*VMS[:2]])
    wait_for(lambda: is_moving(world.simulator, 1), 60)
    os.kill(_worker_of(script.process.pid), signal.SIGKILL)
    world.simulator.clear()
    _expect_done(world, script, VMS[:2])
    leases_gone(world)
    world.wanted += [("Complete",)] * len(world.simulator.calls("HttpNfcLeaseComplete"))
    world.wanted += aborted(world)


@case(
    "C13",
    "the driver is killed with SIGKILL in the middle, and the run is begun again",
    "what was done is passed over, the rest is done, and each package is whole",
    faces=ONLY,
    options={"lease_timeout": 3.0},
    deadline=90.0,
)
def driver_killed(world: World) -> None:
    fault = world.simulator.inject("bandwidth", bytes_per_second=SLOW)
    path = world.folder / "journal.db"
    script = Script(f"journal={path}", world.simulator, world.target, [*VMS])
    wait_for(lambda: is_moving(world.simulator, 1), 60)
    script.process.kill()
    world.texts += script.end()
    world.simulator.clear(fault)
    again = Script(f"journal={path}", world.simulator, world.target, [*VMS])
    _expect_done(world, again, VMS)
    world.wanted += [("Complete",)] * 3


@case(
    "C12",
    "Ctrl-C, or SIGTERM, in the middle of a run",
    "KeyboardInterrupt or SystemExit once all leases are aborted, and no file is left",
    faces=ONLY,
    variants={"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM},
)
def interrupted(world: World, number: signal.Signals) -> None:
    world.simulator.inject("bandwidth", bytes_per_second=SLOW)
    kind = KeyboardInterrupt if number == signal.SIGINT else SystemExit
    with (
        meanwhile(lambda: is_moving(world.simulator, 2), lambda: os.kill(os.getpid(), number)),
        world.fails(kind),
    ):
        run_jobs(world, jobs_for(world, VMS[:2]))
    world.wanted.append(("Abort",))


@case(
    "C17",
    "a listener of the run raises",
    "its exception is raised, and all leases are aborted",
    faces=ONLY,
)
def listener_raises(world: World) -> None:
    world.simulator.inject("bandwidth", bytes_per_second=SLOW)

    def fails(event: fleet.Event) -> None:
        if event.kind == "moved":
            raise ZeroDivisionError("mine")

    with world.fails(ZeroDivisionError, says="mine", ends=()):
        run_jobs(world, jobs_for(world, VMS[:1]), progress=fails)
    world.wanted.append(("Abort",))
