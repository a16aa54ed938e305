"""The job that copies a VM to another vCenter: plain data, as the others are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nfclease.appliance.copying import copy_vm
from nfclease.fleet import targets
from nfclease.fleet._job_checks import PLACES, check_places, check_texts, places_of, set_options
from nfclease.fleet.sessions import SessionFrom, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["CopyJob"]


@dataclass(frozen=True)
class CopyJob:
    """One VM to another vCenter, through the worker, without a package.

    It counts at the host of its VM and at both vCenters. Disks are spooled in ``TMPDIR`` of the
    worker, at most ``max_concurrency`` of a job at once.

    Attributes:
        session: Where it is: a name of ``register_session``, or a ``SessionFrom``.
        vm: Which: a moId (``vm-12``), an instanceUuid, an inventory path or a name.
        to_session: Where it goes: as `session`.
        resource_pool: Where it is to run there: path, name or moId.
        name: What the copy is called, as a template of what an ``ExportJob`` has, such as ``{vm}``.
        datastore: Path, name or moId; None if only one exists.
        folder: Likewise; None means the datacenter's own folder.
        host: Likewise; None leaves the choice to the server.
        options: Keywords of ``copy_vm`` of plain values, such as ``{"networks": {"*": "LAN"}}``.

    Raises:
        ValueError: The template or an option is unknown.
        TypeError: A value is not plain: text, a number, a bool, None, or lists and mappings of
            these.

    Examples:
        >>> from nfclease.fleet import CopyJob
        >>> CopyJob("lab", "/DC0/vm/web", "lab2", "Resources").key
        'copy lab: /DC0/vm/web -> lab2: {vm}'
    """

    session: str | SessionFrom
    vm: str
    to_session: str | SessionFrom
    resource_pool: str
    name: str = "{vm}"
    datastore: str | None = None
    folder: str | None = None
    host: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        check_texts(self, ("vm",), ("session", "to_session"))
        check_places(self)
        targets.check(self.name, targets.OF_EXPORTS)
        set_options(self, copy_vm, "name", "require_uploads", *PLACES)

    @property
    def kind(self) -> str:
        """``copy``."""
        return "copy"

    @property
    def key(self) -> str:
        """What names it over several runs."""
        to = name_of(self.to_session)
        return f"copy {name_of(self.session)}: {self.vm} -> {to}: {self.name}"

    @property
    def subject(self) -> str:
        """What it is about, for people: the VM."""
        return self.vm

    def settings(self) -> dict[str, Any]:
        """Its options, as JSON knows them, without anything secret."""
        return places_of(self) | dict(self.options)
