"""F: faults of chance, many together: the soup."""

from __future__ import annotations

import subprocess
import sys

from ..harness.case import case
from ..harness.places import ROOT
from ..harness.world import World

#: Of `make faults`, or as many as are run in four minutes; `make soup` runs as many as one likes.
SEEDS = 1000
SECONDS = 240


@case(
    "F12",
    "1,000 seeds of faults of chance over jobs with three disks, on both faces",
    "each job ends verified, with the right bytes, or in one of our errors, and leaves nothing",
    faces=("blocking",),
    deadline=420.0,
)
def soup(world: World) -> None:
    # In processes of its own: some runs send them signals.
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.soup", f"--seeds={SEEDS}", f"--seconds={SECONDS}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
    )
    world.texts.append(done.stdout)
    world.expect(done.returncode == 0, f"all do: {done.stdout[-600:]} {done.stderr[-1500:]}")
    world.expect("of 0 verified" not in done.stdout, "each face had jobs")
