"""The body of ``normalise``, over either face: a disk by itself, or a whole package."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial

from nfclease import _core
from nfclease._local.ends import local_path
from nfclease._local.images import check_flag
from nfclease.appliance._directory import Directory
from nfclease.appliance._ova import Ova
from nfclease.appliance._reading import Reading, read_all
from nfclease.appliance._verified_disk import is_disk
from nfclease.image._package_of import PackageOf
from nfclease.image.normalised import Normalised, NormalisedFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.appliance._face import Face
    from nfclease.image._package_of import FileOf
    from nfclease.progress import ProgressOption

#: Files of a directory that are written at once; an archive is written in order.
_AT_ONCE = 4


@dataclass
class Wanted:
    """What ``normalise`` was called with."""

    source: Any
    target: Any
    grains: bool
    overwrite: bool
    progress: ProgressOption

    @property
    def disks(self) -> str:
        """What is done with disks, in the core's word."""
        return "check" if self.grains else "move"

    def check(self) -> None:
        """Refuses what is of the wrong kind."""
        from nfclease._display.option import checked

        check_flag("grains", self.grains)
        check_flag("overwrite", self.overwrite)
        self.progress = checked(self.progress)
        self.source = os.fspath(local_path(self.source))
        self.target = os.fspath(local_path(self.target))


class _Rewriting(Reading):
    """A disk by itself that is read once and written anew."""

    def __init__(self, name: str, sink: _core.Sink, treatment: str) -> None:
        super().__init__(name, sums=[])
        self._sink, self._treatment = sink, treatment
        #: Bytes that were written, the sums of what was read, and the one of what was written.
        self.written, self.read_sums, self.sum = 0, [""], ""

    def _begin(self, package: Any) -> _core.Reading:
        return _core.rewrite_disk(self.name, self._sink, self._treatment)

    def _keep(self, found: Any) -> None:
        self.written, self.read_sums, self.sum, self.disk = found

    def result(self, name: str) -> NormalisedFile:
        """The row of it."""
        disk = self.disk or {}
        return NormalisedFile(
            name=name,
            disk=self.disk is not None,
            old_size=0 if self._core is None else self._core.length(),
            size=self.written,
            capacity=disk.get("capacity"),
            populated=disk.get("populated"),
        )


class _Member(_Rewriting):
    """The same of a file of a package."""

    def __init__(self, file: FileOf, sink: _core.Sink, treatment: str, kind: str) -> None:
        super().__init__(file.href, sink, treatment)
        self.file, self._kind = file, kind

    def _begin(self, package: Any) -> _core.Reading:
        return _core.rewrite_member(
            package,
            self.name,
            self._sink,
            self._treatment,
            sums=[line.algorithm for line in self.file.lines],
            written=self._kind,
        )


async def normalised(face: Face, wanted: Wanted) -> Normalised:
    """What ``normalise`` returns."""
    wanted.check()
    is_archive = wanted.target.lower().endswith(".ova")
    if await face.in_thread(partial(is_disk, wanted.source)):
        if is_archive:
            raise ValueError(f"{wanted.source} is a disk, which becomes no .ova")
        return await _disk(face, wanted)
    package = await face.in_thread(partial(_core.Package.of_path, wanted.source))
    if wanted.target.lower().endswith(".vmdk"):
        raise ValueError(f"{wanted.source} is a package, which becomes no .vmdk")
    if is_archive:
        async with Ova(face, wanted.target, wanted.overwrite, "") as ova:
            return await _package(face, wanted, PackageOf(package), ova)
    async with Directory(face, wanted.target, wanted.overwrite) as directory:
        return await _package(face, wanted, PackageOf(package), directory)


async def _disk(face: Face, wanted: Wanted) -> Normalised:
    sink = _core.Sink.of_path(wanted.target, overwrite=wanted.overwrite)
    job = _Rewriting(wanted.source, sink, wanted.disks)
    await _done(face, None, [job], 1, wanted.progress)
    file = job.result(os.path.basename(wanted.source))
    return Normalised(path=wanted.target, files=(file,))


async def _package(
    face: Face, wanted: Wanted, package: PackageOf, made: Ova | Directory
) -> Normalised:
    files = await face.in_thread(package.files)
    names = [file.name for file in files]
    targets = made.begin(package.names, package.manifest_size(names), names, package.descriptor)
    jobs = []
    for file in files:
        target = targets[file.name]
        sink = _core.Sink.of_path(target, overwrite=False) if isinstance(target, str) else target
        treatment = wanted.disks if file.is_stream else "copy"
        jobs.append(_Member(file, sink, treatment, package.kind))
    limit = 1 if isinstance(made, Ova) else _AT_ONCE
    await _done(face, package.core, jobs, limit, wanted.progress)
    for job in jobs:
        package.compare(job.file, job.read_sums)
    descriptor = made.as_written(package.with_sizes([job.written for job in jobs]))
    sums = [(job.file.name, job.sum) for job in jobs]
    await made.finish(descriptor, package.manifest(descriptor, sums))
    await made.publish()
    rows = tuple(job.result(job.file.name) for job in jobs)
    return Normalised(path=wanted.target, files=rows, notes=tuple(package.notes))


async def _done(
    face: Face, package: _core.Package | None, jobs: Any, limit: int, progress: ProgressOption
) -> None:
    """Writes all of them. What was written goes again where one fails."""
    try:
        await read_all(face, package, jobs, limit, progress)
    except BaseException as error:
        for job in jobs:
            await face.cleanup(job.settle, error)
        raise
    for job in jobs:
        if job.error is not None:
            raise job.error
