"""An import, from its arguments to its result: one body for both faces."""

from __future__ import annotations

from dataclasses import dataclass

from pyVmomi import vim

from nfclease import _core
from nfclease._log import extra, logger
from nfclease._operations import transfers
from nfclease._operations.ready import wait_ready
from nfclease.appliance import _import_source
from nfclease.appliance._face import leased, task_result
from nfclease.appliance._import_choices import choices_of
from nfclease.appliance._import_files import looked_at, wanted_of
from nfclease.appliance._import_place import check_kinds, place_of
from nfclease.appliance._import_spec import descriptor_text, spec_of
from nfclease.appliance._sums import Sums
from nfclease.appliance.import_result import ImportedFile, ImportResult
from nfclease.exceptions import PackageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from nfclease._arguments import Urls
    from nfclease._operations.transfers import ToSend
    from nfclease.appliance._face import Face
    from nfclease.appliance._import_files import Wanted
    from nfclease.progress import ProgressOption
    from nfclease.transfer import TransferResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What ``import_vapp`` was called with."""

    source: Any
    resource_pool: Any
    datastore: vim.Datastore | vim.StoragePod | None
    folder: vim.Folder | None
    host: vim.HostSystem | None
    name: str | None
    networks: Mapping[str, vim.Network | str] | None
    properties: Mapping[str, object] | None
    deployment_option: str | None
    disk_provisioning: str | None
    strict: bool
    power_on: bool
    progress: ProgressOption
    urls: Urls
    options: Mapping[str, object]


async def import_package(face: Face, job: Job) -> ImportResult:
    """The whole job. All that can be known to be wrong is an error before ``ImportVApp``."""
    if "require_uploads" in job.options:
        raise TypeError("import_vapp has no option 'require_uploads': it sends what the spec wants")
    check_kinds(job.resource_pool, job.datastore, job.folder, job.host)
    pool = job.resource_pool
    leased(face, pool.ImportVApp, job.options)  # which refuses wrong options
    progress = transfers.checked(job.progress)
    package = await _import_source.opened(face, job.source)
    descriptor = _core.parse_descriptor(package.descriptor, name=package.descriptor_name)
    choices = choices_of(
        descriptor,
        name=job.name,
        networks=job.networks,
        properties=job.properties,
        deployment_option=job.deployment_option,
        disk_provisioning=job.disk_provisioning,
    )
    sums = Sums(package)
    sums.check_descriptor(package)
    networks = [network["name"] for network in descriptor["networks"]]
    place = await face.call(
        lambda: place_of(pool, job.datastore, job.folder, job.host, choices, networks)
    )
    spec = await face.call(lambda: spec_of(place, choices, descriptor_text(package.descriptor)))
    wanted = wanted_of(spec.items, descriptor, package, sums)
    sources = await face.in_thread(lambda: looked_at(wanted, descriptor, package, job.options))
    notes = [*package.notes, *descriptor["notes"], *_of_sums(package, sums, wanted), *place.notes]
    _judge(notes, job.strict, package)
    options = {**job.options, "require_uploads": spec.items}
    call = lambda: pool.ImportVApp(spec.import_spec, place.folder, place.host)  # noqa: E731
    async with leased(face, call, options) as core:
        info = await wait_ready(core, face.backend, 300.0)
        entity = type(info.entity)(info.entity._moId, pool._stub)
        _log(notes, core.moid, entity._moId)
        sent: list[ToSend] = [
            (each.item, source, None if each.is_packed else each.line)
            for each, source in zip(wanted, sources, strict=True)
        ]
        results = await transfers.upload_each(core, face.backend, sent, progress, job.urls)
    if job.power_on:
        await task_result(face, await face.call(lambda: _power_on(entity)))
    return ImportResult(
        entity=entity,
        name=await face.call(lambda: str(entity.name)),
        files=tuple(_row(*pair) for pair in zip(wanted, results, strict=True)),
        warnings=tuple(spec.warnings),
        notes=tuple(notes),
    )


def _of_sums(package: _core.Package, sums: Sums, wanted: list[Wanted]) -> list[str]:
    """What the manifest file leaves open."""
    for each in wanted:
        if each.line is None and each.file["chunk_size"] is None:
            sums.note_missing(each.name)
    if package.certificate:
        sums.notes.append("the package has a .cert file; its signature is not checked")
    return sums.notes


def _judge(notes: list[str], strict: bool, package: _core.Package) -> None:
    if strict and notes:
        raise PackageError(
            f"{package.descriptor_name} is refused by strict=True: {'; '.join(notes)}"
        )


def _log(notes: list[str], lease: str, vm: str) -> None:
    for note in notes:
        logger().warning("the package of %s: %s", vm, note, extra=extra(lease, vm))


def _power_on(entity: Any) -> Any:
    if isinstance(entity, vim.VirtualApp):
        return entity.PowerOnVApp_Task()
    return entity.PowerOnVM_Task()


def _row(wanted: Wanted, result: TransferResult) -> ImportedFile:
    return ImportedFile(
        name=wanted.name,
        key=result.key,
        size=result.bytes,
        checksum=result.checksum,
        checksum_type=result.checksum_type,
        verified=result.verified,
        file_checksum_type=None if wanted.line is None else wanted.line[0],
        seconds=result.seconds,
        attempts=result.attempts,
    )
