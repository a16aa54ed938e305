"""The small jobs whose calls fail, one after the other."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import nfclease
from nfclease import image
from nfclease.simulator import Simulator

from ...support.importing import Importing, vm_names
from ...support.inventory import find, unique
from ...support.waiting import wait_for
from ..harness import invariants

DISK_SIZE = 150_000
OPTIONS: dict[str, Any] = {"max_retries": 1, "timeout": 10.0}


class Planted(NamedTuple):
    """What the jobs read.

    Attributes:
        sources: Their files, with the digest of each.
        converted: Of each disk that a conversion makes, by its name, the SHA-1.
    """

    sources: invariants.Tree
    converted: dict[str, list[str]]


class Bench:
    """What the jobs of a worker are done with: a vCenter, a session, files.

    Attributes:
        folder: Where everything of a job is.
        target: Where a job writes to; it is empty before each.
        planted: What the jobs read.
    """

    planted: Planted

    def __init__(self, face: str, simulator: Simulator, folder: Path) -> None:
        self.face, self.simulator, self.folder = face, simulator, folder
        self.target = folder / "target"
        simulator.add_vm("small", disks=2, disk_size=DISK_SIZE, nvram=False)
        self.service: Any = simulator.connect()
        self.vm: Any = self._found()
        self.vms = vm_names(self.service)
        self.lease: Any = None
        self.name = ""

    def _found(self) -> Any:
        from pyVmomi import vim

        return find(self.service, vim.VirtualMachine, "small")

    def secrets(self) -> dict[str, str]:
        """What no text may have, and what each of them is."""
        found = {self.simulator.password: "the password"}
        found[self.service._stub.cookie.split('"')[1]] = "the session's cookie"
        for request in self.simulator.requests():
            found[request["path"].split("/")[2]] = "a ticket"
        return found

    def plant(self) -> None:
        """Makes what the jobs read: a package, an archive, a stream and a raw disk."""
        sources = self.folder / "sources"
        sources.mkdir()
        nfclease.export_vm(self.vm, sources / "package", name="small")
        nfclease.export_vm(self.vm, sources / "small.ova", name="small")
        [stream, *_] = sorted((sources / "package").glob("*.vmdk"))
        shutil.copy(stream, sources / "disk.vmdk")
        image.convert(sources / "disk.vmdk", sources / "disk.raw")
        self.planted = Planted(invariants.tree_of(sources), {})
        for name in ("stream to qcow2", "raw to stream"):
            self.renew()
            JOBS[name].run(self)
            [made] = self.target.iterdir()
            self.planted.converted[made.name] = JOBS[name].made(self)

    def renew(self) -> None:
        """What a job begins with: an empty target, and no connection."""
        shutil.rmtree(self.target, ignore_errors=True)
        self.target.mkdir()
        self.service._stub.DropConnections()

    def result(self, blocking: Callable[[], Any], awaited: Callable[[], Any]) -> Any:
        """What comes of either face."""
        if self.face == "blocking":
            return blocking()

        async def run() -> Any:
            return await awaited()

        return asyncio.run(run())


class Job:
    """One of them; all but ``run`` is done without a fault."""

    def prepare(self, bench: Bench) -> None:
        """What has to be there."""

    def run(self, bench: Bench) -> list[Any]:
        """Does it; returns its files."""
        raise NotImplementedError

    def made(self, bench: Bench) -> list[str]:
        """The SHA-1 of each disk that it made."""
        return [_sha1(path.read_bytes()) for path in bench.target.iterdir()]

    def wanted(self, bench: Bench) -> list[str]:
        """What the server says that they have to be."""
        [lease] = [one for one in bench.simulator.leases() if one["state"] == "done"]
        return [entry["sha1"] for entry in lease["manifest"]]

    def left(self, bench: Bench) -> list[str]:
        """What it left, after a failure."""
        return invariants.final_names({}, invariants.tree_of(bench.target), failed=True)

    def forget(self, bench: Bench) -> None:
        """Takes back what a success made elsewhere."""


class Download(Job):
    """All disks of a lease, to a directory."""

    def prepare(self, bench: Bench) -> None:
        bench.lease = bench.vm.ExportVm()

    def run(self, bench: Bench) -> list[Any]:
        def blocking() -> list[Any]:
            with nfclease.HttpNfcLease(bench.lease, **OPTIONS) as lease:
                lease.wait_ready(10)
                return lease.download_all(bench.target)

        async def awaited() -> list[Any]:
            async with nfclease.AsyncHttpNfcLease(bench.lease, **OPTIONS) as lease:
                await lease.wait_ready(10)
                return await lease.download_all(bench.target)

        results: list[Any] = bench.result(blocking, awaited)
        return results

    def left(self, bench: Bench) -> list[str]:
        """A disk that is whole has its name, whatever came of the other one."""
        sums = {one["sha1"] for lease in bench.simulator.leases() for one in lease["manifest"]}
        return [f"I1: a file is not whole: {sha1}" for sha1 in self.made(bench) if sha1 not in sums]


class ExportOva(Job):
    """A VM as an archive."""

    def run(self, bench: Bench) -> list[Any]:
        given = (bench.vm, bench.target / "small.ova")
        result = bench.result(
            lambda: nfclease.export_vm(*given, **OPTIONS),
            lambda: nfclease.export_vm_async(*given, **OPTIONS),
        )
        return list(result.files)

    def made(self, bench: Bench) -> list[str]:
        archive = bench.target / "small.ova"
        nfclease.verify(archive)
        return _sums_of(archive)


class Import(Job):
    """A package as a VM."""

    source = "package/small.ovf"

    def run(self, bench: Bench) -> list[Any]:
        bench.name = unique("in-every-call")
        source = bench.folder / "sources" / self.source
        result = Importing(bench.face, bench.vm)(source, name=bench.name, **OPTIONS)
        return list(result.files)

    def made(self, bench: Bench) -> list[str]:
        package = bench.folder / "sources" / "package"
        return [_sha1(path.read_bytes()) for path in package.glob("*.vmdk")]

    def left(self, bench: Bench) -> list[str]:
        new = set(vm_names(bench.service)) - set(bench.vms)
        return [*super().left(bench), *(f"I1: the VM {name} was left" for name in new)]

    def forget(self, bench: Bench) -> None:
        from pyVmomi import vim

        task = find(bench.service, vim.VirtualMachine, bench.name).Destroy_Task()
        wait_for(lambda: task.info.state not in ("queued", "running"))


class ImportOva(Import):
    """An archive as a VM."""

    source = "small.ova"

    def made(self, bench: Bench) -> list[str]:
        return _sums_of(bench.folder / "sources" / self.source)


class Convert(Job):
    """A disk to one of another format."""

    def __init__(self, source: str, target: str) -> None:
        self._source, self._target = source, target

    def run(self, bench: Bench) -> list[Any]:
        given = (bench.folder / "sources" / self._source, bench.target / self._target)
        return [bench.result(lambda: image.convert(*given), lambda: image.convert_async(*given))]

    def wanted(self, bench: Bench) -> list[str]:
        return bench.planted.converted[self._target]


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _sums_of(archive: Path) -> list[str]:
    """The SHA-1 of each disk of an archive."""
    with tarfile.open(archive) as opened:
        members = [opened.extractfile(name) for name in opened.getnames() if "vmdk" in name]
        return [_sha1(member.read()) for member in members if member]


JOBS: dict[str, Job] = {
    "download": Download(),
    "import": Import(),
    "export OVA": ExportOva(),
    "import OVA": ImportOva(),
    "stream to qcow2": Convert("disk.vmdk", "disk.qcow2"),
    "raw to stream": Convert("disk.raw", "disk.vmdk"),
}
