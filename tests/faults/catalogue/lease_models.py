"""E: what can happen to a lease in any order, against a model of it; and the order of threads."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from ..harness.case import case
from ..harness.lease_machine import LeaseMachine
from ..harness.places import ROOT
from ..harness.world import World

LOOM = ROOT / "tests" / "loom"


@case(
    "E17",
    "what can happen to a lease, in any order, against a model of it",
    "the model and the server agree on the lease's state and on every outcome; no Complete after a "
    "failure, at most one call that ends it, and nothing is held",
    faces=("blocking",),
    variants={"few": 12, "many": 150},
    deadline=240.0,
)
def any_order(world: World, examples: int) -> None:
    run_machine(world, examples)


def run_machine(world: Any, examples: int) -> None:
    """So many histories of a lease, each of up to ten events."""

    class Machine(LeaseMachine):
        pass

    Machine.world = world
    chosen = settings(
        max_examples=examples,
        stateful_step_count=10,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    seed(world.random.getrandbits(32))(Machine)
    run_state_machine_as_test(Machine, settings=chosen)


def needs_cargo() -> str:
    """Why no Rust can be compiled here; empty where it can."""
    return "" if shutil.which("cargo") else "no cargo"


@contextlib.contextmanager
def _environment() -> Iterator[dict[str, str]]:
    """Loom's own variables are the caller's; what is built is kept for the next run."""
    target = os.environ.get("CARGO_TARGET_DIR") or str(ROOT / "target" / "loom")
    yield {**os.environ, "CARGO_TARGET_DIR": target}


@case(
    "E19",
    "keep-alive, cancel and Complete in every order that threads can have",
    "one call that ends the lease, no Progress behind it, no deadlock (loom, on the files of the "
    "core that decide it)",
    faces=("blocking",),
    needs=needs_cargo,
    deadline=600.0,
)
def every_order(world: World) -> None:
    command = ["cargo", "test", "--locked", "--quiet", "--manifest-path", str(LOOM / "Cargo.toml")]
    with _environment() as environment:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    world.expect(
        done.returncode == 0, f"loom finds nothing: {done.stdout[-1500:]}{done.stderr[-500:]}"
    )
