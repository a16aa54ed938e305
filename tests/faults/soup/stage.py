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

from nfclease import export_vm, export_vm_async
from nfclease.simulator import Simulator

from ...support.inventory import connected, find
from ..harness import invariants
from ..harness.runner import clean_transfer
from .recipe import DISK_SIZE, DISKS

#: The VM with the three disks.
VM = "three"


class Stage:
    """Made once for many seeds; nothing of a run is there in the next one.

    Attributes:
        simulator: The server.
        package: A whole package, for imports.
        sums: The SHA-256 of each disk.
        sent: The SHA-1 of each disk, as the server tells it of what it got.
    """

    def __init__(self) -> None:
        # The same bytes each time: those of a run are compared with those of one without a fault.
        self.simulator = Simulator(
            disk_size=DISK_SIZE, disks=1, initializing=0.02, stable_streams=True
        )
        self.simulator.add_vm(VM, disks=len(DISKS), disk_size=DISK_SIZE, nvram=False)
        # What a run without a fault wants of this server.
        self.simulator.add_vm("one", disks=1, disk_size=1 << 16, nvram=False)
        self._folder = Path(tempfile.mkdtemp(prefix="nfclease-soup-"))
        self.package = self._folder / "package"
        for session in connected(self.simulator):
            export_vm(find(session, vim.VirtualMachine, VM), self.package)
        disks = [path.read_bytes() for path in sorted(self.package.glob("*.vmdk"))]
        self.sums = Counter(hashlib.sha256(disk).hexdigest() for disk in disks)
        self.sent = Counter(hashlib.sha1(disk).hexdigest() for disk in disks)
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

    def close(self) -> None:
        """Ends the simulator."""
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


def disks_in(target: Path) -> Counter[str]:
    """The SHA-256 of each disk that is in a directory, its archives or directories below."""
    found: Counter[str] = Counter()
    for path in target.rglob("*"):
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
