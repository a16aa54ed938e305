"""L10 and L25: the power is lost, after each call of an export or a conversion on its files."""

from __future__ import annotations

from pathlib import Path

from nfclease import image

from ..harness.case import EXPORTS, LEASES, case
from ..harness.file_calls import Replay, disk_of, file_calls
from ..harness.power import Disk
from ..harness.tracing import needs_tracing
from ..harness.world import World


def is_final(name: str) -> bool:
    """Whether a name is one that a user takes for whole."""
    return not (name.startswith(".") or ".part" in name or ".old-" in name)


class _Watched:
    """What a loss of power would leave, after each call."""

    def __init__(self, world: World) -> None:
        self._disk: Disk = disk_of(world.target)
        self._files = [name for name, node in self._disk.tree.names.items() if not node.names]
        self._world = world
        self.trace = world.folder / "trace"
        self.flaws: list[str] = []

    def _look(self, line: str) -> None:
        found = self._disk.flaws(is_final)
        for name in self._files:  # a file is replaced in one step
            if None in self._disk.tree.after_loss(name):
                found.append(f"{name} may be missing")
        self.flaws += [f"{flaw}, after {line}" for flaw in found]

    def judge(self) -> None:
        """Plays the trace, and says what was found."""
        replay = Replay(self._disk, self._look)
        with self.trace.open() as lines:
            replay.play(iter(lines))
        expect = self._world.expect
        expect(not self.flaws, f"no final name without its bytes: {self.flaws[:2]}")
        unsure = self._disk.unsure(is_final)
        expect(not unsure, f"what is done lasts: {unsure}")
        expect(replay.calls > 20, f"the calls were seen, not {replay.calls}")
        real = {str(path) for path in self._world.target.rglob("*")}
        missing = [path for path in real if self._disk.node(path) is None]
        expect(not missing, f"the trace tells of all files, not of {missing}")


@case(
    "L10",
    "the power is lost after each call of a job on its files; what was not synced may be lost",
    "a final name is absent, or its old file or package, or all of the new one",
    faces=EXPORTS,
    needs=needs_tracing,
    deadline=60.0,
)
def power_lost(world: World) -> None:
    watched = _Watched(world)
    with file_calls(watched.trace):
        world.job()
    watched.judge()


@case(
    "L25",
    "the power is lost after each call of a conversion on its files",
    "the image is absent, or whole",
    faces=LEASES[:1],
    needs=needs_tracing,
    variants={"qcow2": "disk.qcow2", "raw": "disk.raw"},
    deadline=60.0,
)
def power_lost_in_a_conversion(world: World, name: str) -> None:
    disk: Path = world.package / "disk-0.vmdk"
    watched = _Watched(world)
    with file_calls(watched.trace):
        image.convert(disk, world.target / name)
    watched.judge()
