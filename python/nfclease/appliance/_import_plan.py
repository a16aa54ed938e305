"""A plan in the words of ``ImportPlan``."""

from __future__ import annotations

from pyVmomi import vim

from nfclease import _core
from nfclease.appliance.import_plan import ImportPlan, PlannedFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.appliance._import_files import Wanted
    from nfclease.appliance._importing import Plan


def shown(plan: Plan, package: _core.Package | _core.Incoming) -> ImportPlan:
    """What is to be done, for people and scripts."""
    descriptor = _core.parse_descriptor(package.descriptor, name=package.descriptor_name)
    disks = {disk["file_ref"]: disk for disk in descriptor["disks"]}
    spec = plan.spec.import_spec
    is_machine = isinstance(spec, vim.vm.VmImportSpec)
    return ImportPlan(
        name=str((spec.configSpec.name if is_machine else spec.name) or ""),
        files=tuple(_row(each, disks, package, plan.proved) for each in plan.wanted),
        datastore=plan.place.datastore,
        folder=plan.place.folder,
        networks=dict(plan.place.networks),
        warnings=tuple(plan.spec.warnings),
        notes=tuple(plan.notes),
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
