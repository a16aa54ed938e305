"""A copy, from its arguments to its result: one body for both faces."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from nfclease import _core
from nfclease._operations import ending, starts
from nfclease._operations.ready import wait_ready
from nfclease._operations.transfers import checked
from nfclease._text import escaped
from nfclease.appliance import _importing, _included
from nfclease.appliance._copied import Copied
from nfclease.appliance._copy_moving import Moving
from nfclease.appliance._descriptor import (
    Describing,
    check_export_options,
    checked_options,
    manager_of,
)
from nfclease.appliance._face import leased
from nfclease.appliance._import_place import check_kinds
from nfclease.appliance._import_spec import spec_of
from nfclease.appliance._snapshot import Subject
from nfclease.appliance._unanswered import opened_once
from nfclease.appliance.copy_result import CopiedFile, CopyResult
from nfclease.exceptions import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from nfclease._lease_core import LeaseCore
    from nfclease.appliance._face import Face
    from nfclease.appliance._import_place import Place
    from nfclease.appliance._import_spec import Spec
    from nfclease.appliance._included import Include, Included


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What ``copy_vm`` was called with."""

    entity: Any
    snapshot: Any
    include: Include
    export_options: Iterable[str]
    #: Where it goes, and all that an import has besides.
    target: _importing.Job


class _Plan(NamedTuple):
    """What the target's server makes of the descriptor."""

    place: Place
    spec: Spec
    files: list[Copied]
    notes: list[str]


async def copy(face: Face, job: Job) -> CopyResult:
    """The whole job. Each lease ends in one Complete, the source's first, or each in one Abort."""
    started, into = time.monotonic(), job.target
    if "require_uploads" in into.options:
        raise TypeError("copy_vm has no option 'require_uploads': it sends what the spec wants")
    pool, progress = into.resource_pool, checked(into.progress)
    check_kinds(pool, into.datastore, into.folder, into.host)
    subject = Subject(face, job.entity, job.snapshot)
    opening = leased(face, subject.open, into.options)
    is_wanted, export_options = _included.choice(job.include), checked_options(job.export_options)
    vm = await subject.vm()
    manager = await face.call(lambda: manager_of(job.entity))
    await face.call(lambda: check_export_options(manager, export_options))
    name = into.name or str(await face.call(lambda: vm.name))
    async with subject:
        describing = Describing(manager, vm, name, export_options, subject.snapshot)
        async with opening as source:
            info = await subject.ready(source)
            files = _included.included(info, is_wanted, [])
            text = await face.call(lambda: describing.for_import(files))
            describing.log_warnings(source.moid)
            plan = await _planned(face, into, text, name, files)
            place, spec = plan.place, plan.spec
            args = (spec.import_spec, place.folder, place.host)
            call = partial(opened_once, "ImportVApp", pool, *args)
            options = {**into.options, "require_uploads": spec.items}
            async with leased(face, call, options) as target:
                made = (await wait_ready(target, face.backend)).entity
                entity = type(made)(made._moId, pool._stub)
                # After Complete an answer that fails to come would make a failure of a whole copy.
                title = await face.call(lambda: str(entity.name))
                _importing.log(plan.notes, target.moid, entity._moId)
                await _moved(face, source, target, info.entity, plan.files, progress)
                # What it compares at its end comes before the new VM is one.
                await ending.exit_block(source, face.backend, None)
    if into.power_on:
        await _importing.switch_on(face, entity)
    return CopyResult(
        entity=entity,
        name=title,
        files=tuple(map(_row, plan.files)),
        warnings=(*describing.warnings, *spec.warnings, *subject.notes),
        notes=tuple(plan.notes),
        seconds=time.monotonic() - started,
    )


async def _planned(
    face: Face, into: _importing.Job, text: bytes, name: str, files: Sequence[Included]
) -> _Plan:
    """Asks the target's server about the source's descriptor.

    Raises:
        ValueError: A network does not exist, or a datastore or folder has to be named.
        ProtocolError: The server wants a file that the lease does not have.
    """
    title = f"the descriptor of {name}"
    descriptor = _core.parse_descriptor(text, name=title)
    choices, place = await _importing.placed(face, into, descriptor)
    spec = await face.call(lambda: spec_of(place, choices, text.decode(), title))
    by_name = {file.name: file for file in files}
    copied = []
    for item in spec.items:
        file = by_name.pop(item.path, None)
        if file is None:
            raise ProtocolError(
                f"CreateImportSpec wants a file {escaped(item.path or '')!r} for "
                f"{escaped(item.deviceId or '')}, which the export does not have, or has once"
            )
        copied.append(Copied(file, item))
    gone = [f"{escaped(each)}: the server wants nothing of it" for each in by_name]
    return _Plan(place, spec, copied, [*place.notes, *gone])


async def _moved(
    face: Face,
    source: LeaseCore,
    target: LeaseCore,
    entity: Any,
    files: Sequence[Copied],
    progress: Any,
) -> None:
    devices = [each.file.device for each in files]
    order = await starts.of_downloads(source, face.backend, entity, devices)
    async with Moving(face, source, target) as moving:
        await moving.run(files, order, progress)


def _row(copied: Copied) -> CopiedFile:
    came, went = copied.came, copied.went
    if came is None or went is None:
        raise AssertionError("a file was copied, or its error was raised")
    return CopiedFile(
        name=copied.name,
        key=went.key,
        size=went.bytes,
        checksum=went.checksum,
        checksum_type=went.checksum_type,
        verified="manifest" if came.verified == went.verified == "manifest" else "stream",
        disk=copied.file.is_disk,
        seconds=copied.seconds,
    )
