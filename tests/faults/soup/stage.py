"""Where the runs of a process are: its simulator, what a right export is, a folder for each run."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import shutil
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyVim.connect import Disconnect
from pyVmomi import vim

from nfclease import export_vm, export_vm_async, import_vapp
from nfclease.simulator import Simulator

from ...support.inventory import connected, find
from ...support.waiting import wait_for
from ..harness import invariants
from ..harness.runner import clean_transfer
from .faults import DISK_SIZE, DISKS
from .recipe import FORMATS

#: The VM with the three disks.
VM = "three"
#: What is there before an export, which is replaced as a whole or not at all.
OLDER = b"an older package"


class Stage:
    """Made once for many seeds; nothing of a run is there in the next one.

    Attributes:
        simulator: The server.
        packages: Whole packages, for imports: streams, images of each format, an archive of each.
        sums: The SHA-256 of each file of a package, by what its disks are.
        sent: The SHA-1 of each file, as the server tells it of what it got from such a package.
        tmp: Where this process spools; nothing is left there.
    """

    def __init__(self) -> None:
        # The same bytes each time: those of a run are compared with those of one without a fault.
        self.simulator = Simulator(
            disk_size=DISK_SIZE, disks=1, initializing=0.02, stable_streams=True
        )
        self.simulator.add_vm(VM, disks=len(DISKS), disk_size=DISK_SIZE)
        # What a run without a fault wants of this server.
        self.simulator.add_vm("one", disks=1, disk_size=1 << 16, nvram=False)
        self._folder = Path(tempfile.mkdtemp(prefix="nfclease-soup-"))
        self.tmp, self.packages = self._folder / "tmp", self._folder / "packages"
        self.tmp.mkdir()
        self.packages.mkdir()
        self._spools, tempfile.tempdir = tempfile.tempdir, str(self.tmp)
        self.sums = {disks: self._made(disks) for disks in FORMATS}
        self.sent = {disks: self._received(disks) for disks in FORMATS}
        self._warm()
        #: What the process holds between two runs.
        self.held = invariants.settled()

    def _warm(self) -> None:
        """Starts what a process starts once: threads for as many streams as a run has."""
        clean_transfer(self.simulator, self._folder / "warm")
        for session in connected(self.simulator):
            vm = find(session, vim.VirtualMachine, VM)
            for name in ("warm.ova", "warm-package"):
                asyncio.run(export_vm_async(vm, self._folder / name))

    def _made(self, disks: str) -> Counter[str]:
        """Makes the packages whose disks are that; what is in them."""
        package = self.packages / (disks or "streams")
        for session in connected(self.simulator):
            vm = find(session, vim.VirtualMachine, VM)
            options: dict[str, Any] = {"disk_format": disks or None}
            export_vm(vm, package, name=VM, **options)
        with tarfile.open(f"{package}.ova", "w", format=tarfile.USTAR_FORMAT) as archive:
            for path in sorted(package.iterdir(), key=lambda path: path.suffix != ".ovf"):
                archive.add(path, path.name)
        return files_in(package)

    def _received(self, disks: str) -> Counter[str]:
        """What the server gets of such a package where nothing goes wrong."""
        for session in connected(self.simulator):
            vm = find(session, vim.VirtualMachine, VM)
            package = self.packages / (disks or "streams")
            place = {"datastore": vm.datastore[0], "folder": vm.parent, "convert": bool(disks)}
            made = import_vapp(package, vm.resourcePool, name="sent", **place).entity
            got = self.got("sent")
            destroy(made)
        return got

    def got(self, name: str) -> Counter[str]:
        """The SHA-1 of each file that the server has received of a VM."""
        files = self.simulator.vm_files(name)
        return Counter(file["received"][1] for file in files if file["received"] is not None)

    def close(self) -> None:
        """Ends the simulator."""
        tempfile.tempdir = self._spools
        self.simulator.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def session(self) -> Iterator[Any]:
        """A session for one run, which it may lose."""
        self.simulator.reset()
        service = self.simulator.connect()
        try:
            yield service
        finally:
            self.simulator.clear()
            with contextlib.suppress(Exception):  # a run may have ended it
                Disconnect(service)
            service._stub.DropConnections()

    @contextmanager
    def other_session(self) -> Iterator[Any]:
        """One that no fault is for, beside that of the run."""
        self.simulator.clear()
        yield from connected(self.simulator)

    def spooled(self) -> list[str]:
        """I2: what was left of what is spooled, which goes now."""
        left = [path.name for path in self.tmp.iterdir()]
        for path in self.tmp.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return [f"I2: {name} was left in TMPDIR" for name in left]

    def snapshots(self) -> list[str]:
        """I1: the VM has no snapshot; one that was left goes now, with the lease that holds it."""
        self.simulator.expire()
        with self.other_session() as service:
            machine = find(service, vim.VirtualMachine, VM)
            if machine.snapshot is None:
                return []
            wait_for(lambda: _without_snapshots(machine))
        return ["I1: a snapshot was left"]

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty directory."""
        folder = self._folder / "run"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def clean_after(self) -> list[str]:
        """I9: the process can do a transfer."""
        with self.folder() as folder:
            try:
                clean_transfer(self.simulator, folder / "clean")
            except Exception as error:
                return [f"I9: a clean transfer afterwards failed: {error!r}"]
        return []


def destroy(machine: Any) -> None:
    """Removes a VM."""
    _done(machine.Destroy_Task())


def _done(task: Any) -> None:
    wait_for(lambda: task.info.state not in ("queued", "running"))


def _without_snapshots(machine: Any) -> bool:
    with contextlib.suppress(vim.fault.TaskInProgress):  # what a run has left may still go on
        _done(machine.RemoveAllSnapshots_Task())
    return machine.snapshot is None


def files_in(target: Path) -> Counter[str]:
    """The SHA-256 of each file of a package, or in the packages of a directory."""
    found: Counter[str] = Counter()
    for path in [target, *target.rglob("*")]:
        if path.suffix == ".ova":
            if not tarfile.is_tarfile(path):  # the older one
                continue
            with tarfile.open(path) as archive:
                for member in archive:
                    content = archive.extractfile(member)
                    assert content is not None
                    found += _sum(member.name, content.read())
        elif path.is_file():
            found += _sum(path.name, path.read_bytes())
    return found


def _sum(name: str, content: bytes) -> Counter[str]:
    """Of descriptors and their sums nothing is counted."""
    if name.endswith((".ovf", ".mf")):
        return Counter()
    return Counter([hashlib.sha256(content).hexdigest()])


def secrets_of(simulator: Simulator, service: Any) -> dict[str, str]:
    """What no text may have, and what each of them is."""
    tickets = {each["path"].split("/")[2] for each in simulator.requests()}
    cookie = re.search(r'="?([^";]+)', service._stub.cookie)
    found = {ticket: "a ticket" for ticket in tickets if len(ticket) > 8}
    found |= {cookie.group(1): "the session's cookie"} if cookie else {}
    return {simulator.password: "the password", **found}
