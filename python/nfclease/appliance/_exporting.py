"""An export, from its arguments to its result: one body for both faces."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

from nfclease import _core
from nfclease._local.ends import local_path
from nfclease._operations import starts
from nfclease._operations.downloads import download_each
from nfclease.appliance import _disk_images, _included
from nfclease.appliance._descriptor import (
    Describing,
    check_export_options,
    checked_options,
    manager_of,
)
from nfclease.appliance._directory import Directory
from nfclease.appliance._face import leased
from nfclease.appliance._manifest import check_algorithm, manifest_size, manifest_text
from nfclease.appliance._ova import Ova
from nfclease.appliance._resuming import Resuming
from nfclease.appliance._rows import rows
from nfclease.appliance._snapshot import Subject
from nfclease.appliance.results import ExportedFile, ExportResult
from nfclease.exceptions import UnsafePathError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from typing import Any, TypeAlias

    from nfclease._arguments import Writable
    from nfclease.appliance._face import Face
    from nfclease.appliance._included import Include, Included
    from nfclease.appliance._kept import KeptFile
    from nfclease.progress import ProgressOption
    from nfclease.transfer import TransferResult

    Ended: TypeAlias = Callable[[int, TransferResult], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What ``export_vm`` was called with."""

    entity: Any
    target: str | os.PathLike[str] | Writable
    snapshot: Any
    include: Include
    manifest: str | None
    name: str | None
    overwrite: bool
    export_options: Iterable[str]
    disk_format: str | None
    qcow2_compression: str | None
    resume: bool
    progress: ProgressOption
    options: Mapping[str, object]


async def export(face: Face, job: Job) -> ExportResult:
    """The whole job. What can be wrong on this side is an error before any call."""
    started = time.monotonic()
    subject = Subject(face, job.entity, job.snapshot)
    lease = leased(face, subject.open, job.options)
    is_wanted = _included.choice(job.include)
    export_options = checked_options(job.export_options)
    check_algorithm(job.manifest)
    image = _disk_images.image_of(job.disk_format, job.qcow2_compression)
    names = _Names(job)
    # A file system that hangs holds up a thread, and not an event loop.
    resuming = await face.call(lambda: _resuming(face, job)) if job.resume else None
    stage = resuming.package if resuming else None
    placed = await face.call(lambda: _package(face, job, subject.vm_moid(), stage))
    async with resuming or nullcontext(), placed as package:
        vm = await subject.vm()
        manager, name = await face.call(lambda: _asked_first(job, vm, export_options))
        names.settle(name)
        if resuming:
            await resuming.look(vm, subject.snapshot)
        async with subject:
            describing = Describing(manager, vm, names.name, export_options, subject.snapshot)
            async with lease as core:
                info = await subject.ready(core)
                files = _included.included(info, is_wanted, names.texts)
                files = _disk_images.named(files, job.disk_format, names.name, names.texts)
                devices = [file.device for file in files]
                order = await starts.of_downloads(core, face.backend, info.entity, devices)
                if isinstance(package, Ova):  # where the first goes straight into the archive
                    files, order = [files[at] for at in order], list(range(len(files)))
                reused: dict[str, KeptFile] = {}
                if resuming:
                    reused = await resuming.settle(core.plain, vm, subject.snapshot, files)
                draft = await face.call(lambda: describing.draft(files))
                targets = package.begin(
                    names.texts, names.manifest_size(files), [file.name for file in files], draft
                )
                results = await download_each(
                    core,
                    face.backend,
                    [(file.device, targets[file.name]) for file in files],
                    [at for at in order if files[at].name not in reused],
                    job.progress,
                    images=[image if file.is_disk else None for file in files],
                    file_checksum_type=job.manifest,
                    ended=_keeping(resuming, files),
                )
                exported = await rows(face, core, files, results, reused, resuming, job.manifest)
                exported = _disk_images.sized(exported, targets, job.disk_format)
                descriptor = await face.call(lambda: describing.final(exported))
                descriptor = _disk_images.described(descriptor, job.disk_format)
                describing.log_warnings(core.moid)
                descriptor = package.as_written(descriptor)
                if isinstance(package, Directory) and job.disk_format and job.manifest:
                    summed = partial(_disk_images.summed, exported, targets, job.manifest)
                    exported = await face.call(partial(summed, package.goes_on))
                # All bytes are on the disk before Complete: the server's task is a success only
                # where nothing but the name is left to be given.
                with core.faults():
                    if isinstance(package, Ova):
                        await package.gather(exported)
                    await package.finish(descriptor, names.manifest_text(descriptor, exported))
            with core.faults():
                await package.publish()
    return ExportResult(
        path=package.path,
        name=names.name,
        descriptor=names.descriptor,
        manifest=names.manifest,
        files=tuple(exported),
        warnings=(*describing.warnings, *subject.notes),
        seconds=time.monotonic() - started,
    )


def _asked_first(job: Job, vm: Any, export_options: list[str]) -> tuple[Any, str]:
    """The ``OvfManager``, and the package's name; calls."""
    manager = manager_of(job.entity)
    check_export_options(manager, export_options)
    return manager, job.name or str(vm.name)


def _resuming(face: Face, job: Job) -> Resuming:
    """What keeps disks.

    Raises:
        ValueError: Nothing can be kept, or it cannot be kept anywhere.
    """
    if job.snapshot is True:
        raise ValueError(
            "resume=True has nothing to go on from with snapshot=True: each export takes another "
            "snapshot, whose disks are of another moment; pass a snapshot that stays"
        )
    if job.disk_format is not None:
        raise ValueError("resume=True is for disks as the host sends them: not with disk_format")
    if not isinstance(job.target, (str, os.PathLike)):
        raise ValueError("resume=True is for a path: a file object has no place beside it")
    path = os.fspath(local_path(job.target))
    if not path.lower().endswith(".ova"):
        path = os.path.realpath(path)
    return Resuming(face, path, job.manifest, job.options)


def _keeping(resuming: Resuming | None, files: list[Included]) -> Ended | None:
    """What is to be done with each file that was verified."""
    if resuming is None:
        return None

    async def keep(at: int, result: TransferResult) -> None:
        await resuming.keep(files[at], result)

    return keep


def _package(face: Face, job: Job, vm: str, stage: str | None) -> Directory | Ova:
    """The package that the target is to be, by the ending of its name."""
    if not isinstance(job.target, (str, os.PathLike)):
        if callable(getattr(job.target, "write", None)):
            _disk_images.check_archive(job.disk_format)
            return Ova(face, job.target, job.overwrite, vm)
        kind = type(job.target).__name__
        raise TypeError(f"target must be a path or a binary file object, not {kind}")
    if os.fspath(job.target).lower().endswith(".ova"):
        _disk_images.check_archive(job.disk_format)
        return Ova(face, job.target, job.overwrite, vm, stage)
    return Directory(face, job.target, job.overwrite, stage)


class _Names:
    """What the VM is called in its package, and the files that are named after it."""

    def __init__(self, job: Job) -> None:
        self.name = ""
        self.descriptor = ""
        self.manifest: str | None = None
        self._kind = job.manifest
        if job.name is not None:
            self.settle(job.name)

    def settle(self, name: str) -> None:
        """Takes a name.

        Raises:
            UnsafePathError: No file can be called so.
        """
        if not isinstance(name, str):
            raise TypeError(f"name must be a string, not {type(name).__name__}")
        stem = _included.file_name(name)
        self.name, self.descriptor = name, f"{stem}.ovf"
        self.manifest = f"{stem}.mf" if self._kind else None
        try:
            _core.safe_names(self.texts)
        except UnsafePathError as error:
            error.args = (f"{error}; pass name= to give the package another",)
            raise

    @property
    def texts(self) -> list[str]:
        """The files that are written here."""
        return [self.descriptor] + ([self.manifest] if self.manifest else [])

    def manifest_size(self, files: list[Included]) -> int:
        """Bytes of the manifest file."""
        names = [self.descriptor, *(file.name for file in files)]
        return manifest_size(names, self._kind) if self._kind else 0

    def manifest_text(self, descriptor: bytes, files: list[ExportedFile]) -> bytes | None:
        """The manifest file, where one is wanted."""
        if self._kind is None:
            return None
        return manifest_text(self.descriptor, descriptor, files, self._kind)
