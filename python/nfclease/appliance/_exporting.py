"""An export, from its arguments to its result: one body for both faces."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from nfclease import _core
from nfclease._operations.ready import ready_info
from nfclease._operations.transfers import download_each
from nfclease.appliance import _included
from nfclease.appliance._descriptor import (
    Describing,
    check_export_options,
    manager_of,
    sums_of,
)
from nfclease.appliance._directory import Directory
from nfclease.appliance._face import leased
from nfclease.appliance._manifest import check_algorithm, manifest_text
from nfclease.appliance._snapshot import Subject
from nfclease.appliance.results import ExportedFile, ExportResult
from nfclease.exceptions import UnsafePathError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any

    from nfclease._lease_core import LeaseCore
    from nfclease.appliance._face import Face
    from nfclease.appliance._included import Include, Included
    from nfclease.progress import ProgressOption
    from nfclease.transfer import TransferResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What ``export_vm`` was called with."""

    entity: Any
    target: str | os.PathLike[str]
    snapshot: Any
    include: Include
    manifest: str | None
    name: str | None
    overwrite: bool
    export_options: Iterable[str]
    progress: ProgressOption
    options: Mapping[str, object]


async def export(face: Face, job: Job) -> ExportResult:
    """The whole job. What can be wrong on this side is an error before any call."""
    started = time.monotonic()
    subject = Subject(face, job.entity, job.snapshot)
    lease = leased(face, subject.open, job.options)
    is_wanted = _included.choice(job.include)
    export_options = _checked_options(job.export_options)
    check_algorithm(job.manifest)
    names = _Names(job)
    with Directory(job.target, job.overwrite) as package:
        vm = await subject.vm()
        manager = await face.call(lambda: manager_of(job.entity))
        await face.call(lambda: check_export_options(manager, export_options))
        names.settle(job.name or str(await face.call(lambda: vm.name)))
        async with subject:
            async with lease as core:
                info = await ready_info(core, face.backend)
                files = _included.included(info, is_wanted, names.texts)
                describing = Describing(
                    manager,
                    vm,
                    {
                        "name": names.name,
                        "includeImageFiles": any(file.is_image for file in files),
                        "exportOption": export_options,
                        "snapshot": subject.snapshot,
                    },
                )
                draft = await face.call(lambda: describing.draft(files))
                package.begin([file.name for file in files], draft)
                targets = [(file.device, package.target(file.name)) for file in files]
                results = await download_each(
                    core, face.backend, targets, job.progress, also=job.manifest
                )
                exported = await _exported(face, core, files, results)
                descriptor = await face.call(lambda: describing.final(exported))
                describing.log_warnings(core.moid)
            texts = {names.descriptor: descriptor}
            if names.manifest and job.manifest:
                texts[names.manifest] = manifest_text(
                    names.descriptor, descriptor, exported, job.manifest
                )
            await package.finish(face, texts)
    return ExportResult(
        path=package.path,
        name=names.name,
        descriptor=names.descriptor,
        manifest=names.manifest,
        files=tuple(exported),
        warnings=(*describing.warnings, *subject.notes),
        seconds=time.monotonic() - started,
    )


class _Names:
    """What the VM is called in its package, and the files that are named after it."""

    def __init__(self, job: Job) -> None:
        self.name = ""
        self.descriptor = ""
        self.manifest: str | None = None
        self._has_manifest = job.manifest is not None
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
        self.manifest = f"{stem}.mf" if self._has_manifest else None
        try:
            _core.safe_names(self.texts)
        except UnsafePathError as error:
            error.args = (f"{error}; pass name= to give the package another",)
            raise

    @property
    def texts(self) -> list[str]:
        """The files that are written here."""
        return [self.descriptor] + ([self.manifest] if self.manifest else [])


def _checked_options(options: Iterable[str]) -> list[str]:
    if isinstance(options, str) or not isinstance(options, Iterable):
        raise TypeError(f"export_options must be a list of strings, not {options!r}")
    return list(options)


async def _exported(
    face: Face, core: LeaseCore, files: list[Included], results: list[TransferResult]
) -> list[ExportedFile]:
    """A row for each file, with what the lease manifest says of its disk."""
    with core.faults():
        sums = await face.call(lambda: sums_of(core.plain))
    rows = []
    for file, result in zip(files, results, strict=True):
        entry = sums.get(file.device.key) if file.device.disk else None
        rows.append(
            ExportedFile(
                name=file.name,
                size=result.bytes,
                checksum=result.file_checksum or result.checksum,
                checksum_type=result.file_checksum_type or result.checksum_type,
                verified=result.verified,
                seconds=result.seconds,
                attempts=result.attempts,
                key=result.key,
                disk=bool(file.device.disk),
                capacity=getattr(entry, "capacity", None),
                populated_size=getattr(entry, "populatedSize", None),
            )
        )
    return rows
