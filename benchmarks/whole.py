"""A whole VM from the simulator, by ``export_vm`` and by govc itself."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nfclease.simulator import Simulator

from . import ova
from .measure import Cost, digest_of, run
from .scenarios import Scenario, check
from .variants import Variant

_LINE = re.compile(r"SHA256\((.+)\)= *([0-9a-f]{64})")


class Packages:
    """Where whole packages are exported to a new directory."""

    def __init__(self, stage: ova.Stage) -> None:
        """The stage knows the simulator, which is what costs are measured beside."""
        self._stage = stage
        self._disks: list[str] = []

    def play(self, scenario: Scenario, variant: Variant) -> Cost:
        """One export, every line of whose manifest file is compared."""
        target = self._stage.folder / "package"
        shutil.rmtree(target, ignore_errors=True)
        where = ["export", "--vcenter", str(self._stage.vcenter), str(target), "unused"]
        cost = run([*variant.command, *where], self._stage)
        disks = self._checked(target)
        # The simulator sends the same streams each time, so everyone must have the same disks.
        self._disks = self._disks or disks
        check("disks", len(disks), scenario.disks)
        check("the digests of the disks", disks, self._disks)
        return cost

    def _checked(self, target: Path) -> list[str]:
        [manifest] = target.rglob("*.mf")
        said = dict(_LINE.findall(manifest.read_text()))
        for name, expected in said.items():
            check(name, digest_of(manifest.parent / name, "sha256"), expected)
        return sorted(expected for name, expected in said.items() if name.endswith(".vmdk"))


@contextmanager
def packages(folder: Path, govc: Path, disks: int, size: int) -> Iterator[Packages]:
    """Runs a simulator of its own for the block."""
    place = folder / "packages"
    place.mkdir()
    with Simulator(disks=disks, disk_size=size, stable_streams=True) as simulator:
        yield Packages(ova.Stage(simulator, place, govc))
