"""An import, from its arguments to its result: one body for both faces."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from pyVmomi import vim, vmodl

from nfclease import _core
from nfclease._local.items import has_deltas
from nfclease._log import extra, logger
from nfclease._notes import add_note
from nfclease._operations.ready import wait_ready
from nfclease._operations.transfers import checked
from nfclease._text import escaped
from nfclease.appliance._address import is_address
from nfclease.appliance._converting import Converting
from nfclease.appliance._face import leased, task_result
from nfclease.appliance._import_choices import choices_of
from nfclease.appliance._import_files import looked_at, wanted_of
from nfclease.appliance._import_place import check_kinds, place_of
from nfclease.appliance._import_plan import shown
from nfclease.appliance._import_sending import NOT_CHECKED, InOrder, SideBySide, unsent
from nfclease.appliance._import_spec import descriptor_text, spec_of
from nfclease.appliance._opened import opened
from nfclease.appliance._pulling import Pulled, origin_of
from nfclease.appliance._sums import Sums, check_stored
from nfclease.appliance._unanswered import opened_once
from nfclease.appliance.import_result import ImportedFile, ImportResult
from nfclease.exceptions import PackageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from nfclease._arguments import Urls
    from nfclease.appliance._face import Face
    from nfclease.appliance._import_choices import Choices
    from nfclease.appliance._import_files import Wanted
    from nfclease.appliance._import_place import Place
    from nfclease.appliance._import_spec import Spec
    from nfclease.appliance.import_plan import ImportPlan
    from nfclease.progress import ProgressOption
    from nfclease.transfer import TransferResult

    Package: TypeAlias = _core.Package | _core.Incoming


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What ``import_vapp`` or ``plan_import`` was called with."""

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
    pull: bool
    convert: bool
    ca_file: str | os.PathLike[str] | None
    ssl_thumbprint: str | None
    power_on: bool = False
    progress: ProgressOption = None
    urls: Urls = None
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _Plan:
    """What is to be done with a package, once all that can be judged is right.

    Attributes:
        place: Where it goes.
        spec: What the server made of its descriptor.
        wanted: The files that are sent.
        sending: How the files are sent.
        notes: What is odd about it.
        proved: By which digest of the manifest file each file is compared, by its name.
    """

    place: Place
    spec: Spec
    wanted: list[Wanted]
    sending: SideBySide | InOrder | Pulled
    notes: list[str]
    proved: dict[str, str] = field(default_factory=dict)


async def import_package(face: Face, job: Job) -> ImportResult:
    """The whole job. All that can be known to be wrong is an error before ``ImportVApp``."""
    if "require_uploads" in job.options:
        raise TypeError("import_vapp has no option 'require_uploads': it sends what the spec wants")
    source = _opened(face, job, whole=not job.pull, saves=job.convert)
    pool, progress = job.resource_pool, checked(job.progress)
    leased(face, pool.ImportVApp, job.options)  # which refuses wrong options
    converting = _converting(face, job)
    async with source as package, converting:
        plan = await _planned(face, job, package, converting, makes=True)
        options = {**job.options, "require_uploads": False if job.pull else plan.spec.items}
        place, sending = plan.place, plan.sending
        args = (plan.spec.import_spec, place.folder, place.host)
        call = partial(opened_once, "ImportVApp", pool, *args)
        async with leased(face, call, options) as core:
            info = await wait_ready(core, face.backend)
            entity = type(info.entity)(info.entity._moId, pool._stub)
            # After Complete an answer that does not come would fail the import of a whole VM.
            name = await face.call(lambda: str(entity.name))
            results = await sending.run(face, core, progress, job.urls)
            if isinstance(sending, (InOrder, Pulled)):
                plan.proved |= sending.proved
                plan.notes += sending.notes
                _judge(plan, job, package)
            log(plan.notes, core.moid, entity._moId)
    if job.power_on:
        await switch_on(face, entity)
    return ImportResult(
        entity=entity,
        name=name,
        files=tuple(_row(*pair, plan.proved) for pair in zip(plan.wanted, results, strict=True)),
        warnings=tuple(plan.spec.warnings),
        notes=tuple(plan.notes),
    )


async def plan_package(face: Face, job: Job) -> ImportPlan:
    """All of it that comes before ``ImportVApp``."""
    converting = _converting(face, job)
    async with _opened(face, job, whole=False) as package, converting:
        plan = await _planned(face, job, package, converting, makes=False)
        return shown(package, plan.place, plan.spec, plan.wanted, plan.proved, plan.notes)


def _converting(face: Face, job: Job) -> Converting:
    return Converting(face, is_asked=job.convert, is_elsewhere=is_address(job.source))


def _opened(face: Face, job: Job, *, whole: bool, saves: bool = False) -> opened:
    """The package of a job whose arguments are of the right kinds."""
    check_kinds(job.resource_pool, job.datastore, job.folder, job.host)
    if job.pull and not is_address(job.source):
        raise ValueError("pull=True is for a source that is an https address: the host fetches it")
    if not isinstance(job.convert, bool):
        raise TypeError(f"convert must be True or False, not {type(job.convert).__name__}")
    if job.convert and job.pull:
        raise ValueError(
            "convert=True makes disks here, and with pull=True the host fetches what there is"
        )
    if job.pull and job.options.get("max_bytes_per_second") is not None:
        raise ValueError(
            "max_bytes_per_second limits what is sent from here, and with pull=True the host "
            "fetches the files itself"
        )
    return opened(
        face,
        job.source,
        ca_file=job.ca_file,
        ssl_thumbprint=job.ssl_thumbprint,
        whole=whole,
        saves=saves,
    )


async def _planned(
    face: Face, job: Job, package: Package, converting: Converting, *, makes: bool
) -> _Plan:
    descriptor = _core.parse_descriptor(package.descriptor, name=package.descriptor_name)
    sums = Sums(package, str(job.options.get("checksum_type") or "sha1"))
    sums.check_descriptor(package)
    choices, place = await placed(face, job, descriptor)
    await converting.find(package, descriptor)
    text, name = converting.text(descriptor_text(package.descriptor)), package.descriptor_name
    titled = f"{name} (OVF {descriptor['version']})"
    spec = await face.call(lambda: spec_of(place, choices, text, titled))
    wanted = await face.in_thread(lambda: wanted_of(spec.items, descriptor, package, sums))
    wanted = converting.marked(wanted)
    making = converting if makes else None
    plan = _Plan(
        place=place,
        spec=spec,
        wanted=wanted,
        sending=await _sending(face, job, package, descriptor, wanted, sums, making),
        notes=[
            *package.notes,
            *(f"{name}: {note}" for note in descriptor["notes"]),
            *place.notes,
        ],
    )
    if package.manifest is not None or not package.in_order:
        for each in wanted:
            stored = each.stored(package)
            elsewhere = job.pull or each.is_packed  # not with what an upload computes
            known = Sums.ALGORITHMS if elsewhere else sums.in_passing(each.name)
            kinds = [kind for name in stored if (kind := sums.proving(name, known))]
            if len(kinds) == len(stored) and not job.pull:
                plan.proved[each.name] = kinds[0]
        plan.notes += sums.notes
    elif job.pull:  # nobody here reads on to it
        plan.notes.append(
            "it is read in order, and no manifest file came before its files: what the host "
            "fetches is compared with none"
        )
    if package.certificate:
        plan.notes.append(NOT_CHECKED)
    _judge(plan, job, package)
    return plan


async def placed(face: Face, job: Job, descriptor: dict[str, Any]) -> tuple[Choices, Place]:
    """What the caller chose of a descriptor, and where it goes; calls.

    Raises:
        ValueError: The descriptor or the server has no such thing, or a place must be said.
    """
    choices = choices_of(
        descriptor,
        name=job.name,
        networks=job.networks,
        properties=job.properties,
        deployment_option=job.deployment_option,
        disk_provisioning=job.disk_provisioning,
    )
    networks = [network["name"] for network in descriptor["networks"]]
    place = await face.call(
        lambda: place_of(job.resource_pool, job.datastore, job.folder, job.host, choices, networks)
    )
    return choices, place


async def _sending(
    face: Face,
    job: Job,
    package: Package,
    descriptor: dict[str, Any],
    wanted: list[Wanted],
    sums: Sums,
    making: Converting | None,
) -> SideBySide | InOrder | Pulled:
    """How the files go, after all was judged that can be before they do."""
    pulled = None
    if job.pull:
        pin = job.ssl_thumbprint
        origin = await origin_of(face, job.source, package, ca_file=job.ca_file, ssl_thumbprint=pin)
        pulled = Pulled(package, wanted, sums, origin)
    beside = unsent(package, wanted, sums)
    if isinstance(package, _core.Incoming):
        sums.notes += [f"{escaped(name)}: nothing is sent of it, nor compared" for name in beside]
        return pulled or InOrder(package, wanted, descriptor)
    packed = [
        name
        for each in wanted
        if each.is_packed and not (making and making.fetches(each))
        for name in each.stored(package)
    ]
    stored = [] if job.pull else packed
    for name in beside:  # of which the server wants nothing
        if package.member_size(name) is None:
            sums.note_gone(name)
        elif job.pull:
            sums.notes.append(f"{escaped(name)}: nothing is fetched of it, nor compared")
        else:
            stored.append(name)
    await check_stored(face, package, sums, stored)
    if making is not None:
        verify_size = bool(job.options.get("verify_size", True))
        progress = checked(job.progress)
        await making.make(package, descriptor, wanted, sums, progress, verify_size=verify_size)
    sources = await face.in_thread(lambda: looked_at(wanted, descriptor, package, job.options))
    return pulled or SideBySide(wanted, sources, sums, has_deltas=has_deltas(descriptor))


def _judge(plan: _Plan, job: Job, package: Package) -> None:
    if job.strict and plan.notes:
        text = "; ".join(plan.notes)
        raise PackageError(f"{package.descriptor_name} is refused by strict=True: {text}")


def log(notes: list[str], lease: str, vm: str) -> None:
    """Tells what is odd about a package."""
    for note in notes:
        logger().warning("the package of %s: %s", vm, note, extra=extra(lease, vm))


async def switch_on(face: Face, entity: Any) -> None:
    """Switches a new VM or vApp on.

    Raises:
        vmodl.MethodFault: It stays off, with a note that it is there.
        OSError: The server did not say, with the same note.
    """
    try:
        await task_result(face, await face.call(lambda: _power_on(entity)))
    except Exception as error:
        state = "switched off" if isinstance(error, vmodl.MethodFault) else "and may be on or off"
        add_note(error, f"all was imported, as {entity._moId}; it is there, {state}")
        raise


def _power_on(entity: Any) -> Any:
    if isinstance(entity, vim.VirtualApp):
        return entity.PowerOnVApp_Task()
    return entity.PowerOnVM_Task()


def _row(wanted: Wanted, result: TransferResult, proved: dict[str, str]) -> ImportedFile:
    return ImportedFile(
        name=wanted.name,
        key=result.key,
        size=result.bytes,
        checksum=result.checksum,
        checksum_type=result.checksum_type,
        verified=result.verified,
        file_checksum_type=proved.get(wanted.name),
        converted_from=wanted.converted_from,
        seconds=result.seconds,
        attempts=result.attempts,
    )
