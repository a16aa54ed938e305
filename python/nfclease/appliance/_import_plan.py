"""A plan in the words of ``ImportPlan``."""

from __future__ import annotations

from pyVmomi import vim

from nfclease import _core
from nfclease.appliance.import_plan import ImportPlan, PlannedFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from nfclease.appliance._import_files import Wanted
    from nfclease.appliance._import_place import Place
    from nfclease.appliance._import_spec import Spec


def shown(
    package: _core.Package | _core.Incoming,
    place: Place,
    spec: Spec,
    wanted: Sequence[Wanted],
    proved: dict[str, str],
    notes: Sequence[str],
) -> ImportPlan:
    """What is to be done, for people and scripts."""
    descriptor = _core.parse_descriptor(package.descriptor, name=package.descriptor_name)
    disks = {disk["file_ref"]: disk for disk in descriptor["disks"]}
    made = spec.import_spec
    is_machine = isinstance(made, vim.vm.VmImportSpec)
    return ImportPlan(
        name=str((made.configSpec.name if is_machine else made.name) or ""),
        files=tuple(_row(each, disks, package, proved) for each in wanted),
        datastore=place.datastore,
        folder=place.folder,
        networks=dict(place.networks),
        warnings=tuple(spec.warnings),
        notes=tuple(notes),
    )


def _row(
    wanted: Wanted,
    disks: dict[str, Any],
    package: _core.Package | _core.Incoming,
    proved: dict[str, str],
) -> PlannedFile:
    disk = disks.get(wanted.file["id"])
    size = wanted.file["size"]
    if isinstance(package, _core.Package) and not wanted.is_packed:
        size = package.member_size(wanted.file["href"])
    return PlannedFile(
        name=wanted.name,
        size=size,
        disk=disk is not None,
        capacity=disk["capacity"] if disk else None,
        checksum_type=proved.get(wanted.name),
    )
