"""What goes wrong in the run of a seed: always the same for the same seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from . import faults as kinds
from .faults import DISK_SIZE, Fault

#: Leases of either face, and the jobs with packages, on either face as well.
FACES = (
    "blocking",
    "asyncio",
    "export_vm",
    "export_vm_async",
    "import_vapp",
    "import_vapp_async",
    "copy_vm",
    "copy_vm_async",
)
LEASES = FACES[:2]
#: What the disks of an export become, and what those of a package are; empty for streams.
FORMATS = ("", "raw", "qcow2")


@dataclass(frozen=True)
class Recipe:
    """All that a seed decides.

    Attributes:
        seed: The seed.
        face: What the job runs on.
        archive: Whether an export makes an ``.ova``, or an import reads one.
        disks: What the disks become, or are in the package: ``raw``, ``qcow2``, or empty.
        snapshot: Whether a snapshot is taken for it.
        faults: Of the server.
        trouble: What happens on this side: ``raises``, ``cancelled``, ``signal``, ``full``,
            ``logged out``, ``expires``, ``killed``, or nothing.
        moment: Seconds after which it does, or of how many events a callback raises at the last.
        options: Of the lease.
    """

    seed: int
    face: str
    archive: bool
    disks: str
    snapshot: bool
    faults: list[Fault]
    trouble: str
    moment: float
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def makes(self) -> bool:
        """Whether the job makes a VM."""
        return self.face.startswith(("import", "copy"))

    @property
    def imports(self) -> bool:
        """Whether the job reads a package."""
        return self.face.startswith("import")

    def lines(self) -> list[str]:
        """What a person reads of it."""
        how = [self.disks, "archive" if self.archive else "", "snapshot" if self.snapshot else ""]
        told = [f"seed {self.seed}: {' '.join(filter(None, [self.face, *how]))}, {self.options}"]
        told += [f"    {fault}" for fault in self.faults]
        return told + ([f"    {self.trouble}, {self.moment:.2f}"] if self.trouble else [])

    @property
    def touches_manifest(self) -> bool:
        """Whether the server may not list a file, which is then verified by its form alone."""
        return any(fault.kind in ("no_manifest", "manifest") for fault in self.faults)

    @property
    def is_unheard(self) -> bool:
        """Whether the server never says how its leases are."""
        asked = [fault for fault in self.faults if fault.method == "RetrievePropertiesEx"]
        return any(fault.count is None and fault.kind != "soap_delay" for fault in asked)

    def touches(self, *methods: str) -> bool:
        """Whether a fault is about one of these calls."""
        return any(fault.method in methods for fault in self.faults)


def recipe_of(seed: int) -> Recipe:
    """The recipe of a seed."""
    chance = random.Random(seed)
    face = chance.choice(FACES)
    archive = face.startswith(("export", "import")) and chance.random() < 0.4
    disks = chance.choice(("", "", "", *FORMATS)) if face.startswith(("export", "import")) else ""
    if face.startswith("export") and disks:
        archive = False  # an archive has streams
    snapshot = face.startswith(("export", "copy")) and chance.random() < 0.2
    faults = _faults(chance, face, snapshot)
    trouble = chance.choice(("",) * 14 + _troubles(face))
    if trouble or chance.random() < 0.3:
        rate = DISK_SIZE / chance.choice((0.1, 0.3, 0.6))
        faults.append(Fault("bandwidth", None, {"bytes_per_second": rate}))
    options = {
        "max_retries": chance.choice((0, 1, 2)),
        "timeout": chance.choice((0.6, 1.0)),
        "retry_timeout": 4.0,
        "max_concurrency": chance.choice((1, 2, 4)),
        "keep_alive_interval": chance.choice((None, 0.1)),
    }
    moment = chance.random() * 0.6
    return Recipe(seed, face, archive, disks, snapshot, faults, trouble, moment, options)


def _faults(chance: random.Random, face: str, snapshot: bool) -> list[Fault]:
    """Of the data, of calls, and of what a lease says."""
    moves: list[kinds.Maker] = []
    if not face.startswith("import"):
        moves += kinds.DOWNLOADS
    if face.startswith(("import", "copy")):
        moves += kinds.UPLOADS
    faults = [chance.choice(moves)(chance) for _ in range(chance.choice((0, 0, 1, 1, 2)))]
    calls = [*kinds.LEASE_CALLS]
    others: list[kinds.Maker] = [*kinds.OF_LEASES]
    if face in LEASES:  # a lease is made by the caller, with pyvmomi's own call
        others += [kinds.init_forever]
        calls += kinds.READS
    if face.startswith(("export", "copy")):
        calls += kinds.EXPORT_CALLS
        others += [kinds.odd_export]
    if face.startswith(("import", "copy")):
        calls += kinds.IMPORT_CALLS
        others += [kinds.odd_import, kinds.file_item_path]
    if snapshot:
        calls += kinds.SNAPSHOT_CALLS
        others += [kinds.task, kinds.task]
    faults += [kinds.of_call(chance, calls) for _ in range(chance.choice((0, 0, 0, 1, 1)))]
    if chance.random() < 0.2:
        faults.append(chance.choice(others)(chance))
    return faults


def _troubles(face: str) -> tuple[str, ...]:
    """What can happen on this side of the job."""
    how = "cancelled" if face.endswith(("async", "asyncio")) else "signal"
    written = () if face.startswith("import") else ("full",)
    return ("raises", how, how, "logged out", "expires", "killed", *written)
