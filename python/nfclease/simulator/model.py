"""What the simulated vCenter is made of, apart from how it is spoken to.

Plain objects without SOAP and without HTTP: machines with their files, leases with their life,
and the one :class:`World` that holds them. The SOAP side shows them as managed objects, the data
side moves their bytes.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from nfclease.simulator.faults import Faults
from nfclease.simulator.recorder import Recorder

FileKind = Literal["iso", "disk", "nvram"]
LeaseState = Literal["initializing", "ready", "done", "error"]


@dataclass
class Options:
    """The command line, as far as behaviour goes."""

    user: str
    password: str
    disk_size: int
    disks: int
    lease_timeout: float
    initializing: float
    stable_streams: bool
    esx: bool
    tls: bool
    api_version: str
    seed: int


@dataclass
class MachineFile:
    """A file behind a virtual device.

    Attributes:
        kind: ``iso`` of a CD-ROM, ``disk``, or ``nvram``.
        unit: The unit number on its controller; disks of one machine count from 0.
        capacity: Capacity of a disk in bytes; the size of any other file.
        stream_size: About how many bytes a disk's export stream has.
        seed: What its content is made from.
        received: Size and SHA-1 of what an import received, or None.
    """

    kind: FileKind
    unit: int
    capacity: int
    stream_size: int
    seed: int
    received: tuple[int, str] | None = None


@dataclass
class Machine:
    """A virtual machine."""

    moid: str
    name: str
    files: list[MachineFile]
    power: Literal["poweredOff", "poweredOn"] = "poweredOff"
    vapp: str | None = None
    instance_uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    snapshot: str | None = None
    #: The lease that holds it, if any: PowerOn, Destroy and Migrate are refused meanwhile.
    lease: Lease | None = None

    def target_id(self, file: MachineFile) -> str:
        """The name that an export suggests: numbered in the order of the devices."""
        if file.kind == "nvram":
            return f"{self.name}.nvram"
        number = [f for f in self.files if f.kind != "nvram"].index(file)
        return f"disk-{number}.{'iso' if file.kind == 'iso' else 'vmdk'}"

    def device_name(self, file: MachineFile) -> str:
        """The device's part of ``DeviceUrl.key``."""
        if file.kind == "disk":
            return f"ParaVirtualSCSIController0:{file.unit}"
        return f"VirtualIDEController0:{file.unit}" if file.kind == "iso" else "nvram"


@dataclass
class LeaseDevice:
    """One ``HttpNfcLeaseDeviceUrl``."""

    machine: Machine
    file: MachineFile
    key: str
    import_key: str | None
    target_id: str
    url: str
    ssl_thumbprint: str
    ssl_certificate: str
    #: An import's item that is created by PUT.
    create: bool = False


@dataclass
class ManifestEntry:
    """One ``HttpNfcLeaseManifestEntry``: what was really sent or received."""

    key: str
    size: int
    sha1: str
    sha256: str
    disk: bool
    capacity: int | None
    populated_size: int | None


class Lease:
    """A lease, from ``initializing`` to ``done`` or ``error``."""

    def __init__(self, moid: str, kind: Literal["export", "import"], entity: Any) -> None:
        self.moid = moid
        self.kind = kind
        #: Moid and type of the VM or vApp, as (type name, moid).
        self.entity: tuple[str, str] = entity
        self.state: LeaseState = "initializing"
        #: A pyvmomi MethodFault once the state is ``error``.
        self.error: Any = None
        self.initialize_progress = 0
        self.percent = 0
        self.ticket = str(uuid.uuid4())
        self.machines: list[Machine] = []
        self.devices: list[LeaseDevice] = []
        self.manifest: dict[str, ManifestEntry] = {}
        self.checksum_types: dict[str, str] = {}
        self.last_progress = time.monotonic()
        self.session: str = ""
        #: Called when the lease ends: each cuts one running transfer.
        self.cutters: set[Callable[[], None]] = set()
        #: Set when the lease leaves ``ready``: running transfers end.
        self.ended = asyncio.Event()
        #: Called once when the lease ends in error: an import's objects vanish.
        self.on_error: Callable[[], None] | None = None


class World:
    """Everything there is."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.faults = Faults()
        self.recorder = Recorder()
        self.machines: dict[str, Machine] = {}
        self.leases: dict[str, Lease] = {}
        self.vcenter_uuid = str(uuid.uuid4())
        #: Opens and ends leases; set by the application before it serves.
        self.keeper: Any = None
        self._moids = itertools.count(100)
        self._changed: set[asyncio.Event] = set()
        #: host:port of the listener that serves the bytes, its certificate and thumbprint; set
        #: when it listens.
        self.disk_host = ""
        self.disk_thumbprint = ""
        self.disk_certificate = ""

    def new_moid(self, prefix: str) -> str:
        """A fresh reference such as ``vm-101``."""
        return f"{prefix}-{next(self._moids)}"

    def changed(self) -> None:
        """Wakes everyone who waits for a change of any property."""
        waiting, self._changed = self._changed, set()
        for event in waiting:
            event.set()

    async def wait_changed(self, timeout: float | None) -> bool:
        """Waits for the next change; False when `timeout` seconds pass before."""
        event = asyncio.Event()
        self._changed.add(event)
        try:
            await asyncio.wait_for(event.wait(), timeout)
        except asyncio.TimeoutError:
            return False
        finally:
            self._changed.discard(event)
        return True

    def add_machine(
        self,
        name: str,
        *,
        disks: int | None = None,
        disk_size: int | None = None,
        nvram: bool = True,
        iso: bool = True,
        power: Literal["poweredOff", "poweredOn"] = "poweredOff",
        vapp: str | None = None,
    ) -> Machine:
        """Adds a machine whose files are made from the world's seed and its name."""
        seed = self.options.seed + sum(name.encode())
        size = disk_size or self.options.disk_size
        files: list[MachineFile] = []
        if iso:
            files.append(MachineFile("iso", 0, 65536, 65536, seed))
        for unit in range(self.options.disks if disks is None else disks):
            capacity = -(-(size * 2) // (1 << 20)) * (1 << 20)
            files.append(MachineFile("disk", unit, capacity, size, seed + 1 + unit))
        if nvram:
            files.append(MachineFile("nvram", 0, 8684, 8684, seed + 99))
        machine = Machine(self.new_moid("vm"), name, files, power=power, vapp=vapp)
        self.machines[machine.moid] = machine
        self.changed()
        return machine
