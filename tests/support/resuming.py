"""Exports that fail after their first disk, and what is kept of them then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nfclease import HttpStatusError
from nfclease.simulator import Simulator

from .jobs import Export


class Broken:
    """An export with ``resume=True`` that fails after its first disk, which is kept."""

    def __init__(self, export: Export, simulator: Simulator, vm: Any, target: Path) -> None:
        self._export, self._simulator, self._vm = export, simulator, vm
        self.target = target
        #: The folder that the disks are kept in.
        self.folder: Path = target.parent / f".{target.name}.resume"

    def __call__(self, entity: Any = None, **options: Any) -> HttpStatusError:
        """Lets it fail, and returns its error; the simulator has forgotten all then."""
        broken = ("disk-2", "disk-3")  # either may begin when the first one has ended
        faults = [self._simulator.inject("status", match=disk, code=500) for disk in broken]
        with pytest.raises(HttpStatusError) as caught:
            self.again(entity, **options)
        for fault in faults:
            self._simulator.clear(fault)
        self._simulator.reset()
        return caught.value

    def again(self, entity: Any = None, **options: Any) -> Any:
        """The same export, which nothing hinders."""
        given = {"resume": True, "max_concurrency": 1, "max_retries": 0} | options
        return self._export(entity or self._vm, self.target, **given)

    def fetched(self) -> list[str]:
        """The disks that were fetched since it failed."""
        return [each["disk"].split()[0] for each in self._simulator.requests()]

    @property
    def kept(self) -> Path:
        """The disk that was kept."""
        return self.folder / "package" / "disk-1.vmdk"

    @property
    def record(self) -> Any:
        """What is said of it."""
        return json.loads((self.folder / "kept.json").read_text())

    def say(self, record: Any) -> None:
        """Writes another record."""
        (self.folder / "kept.json").write_text(json.dumps(record))
