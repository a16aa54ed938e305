"""The jobs of a fleet: plain data, so that any worker can have one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nfclease.appliance.export import export_vm
from nfclease.appliance.importing import import_vapp
from nfclease.fleet import targets
from nfclease.fleet._job_checks import PLACES, check_places, check_texts, places_of, set_options
from nfclease.fleet.sessions import SessionFrom, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ExportJob", "ImportJob"]


@dataclass(frozen=True)
class ExportJob:
    """One VM out to a package.

    Attributes:
        session: Where it is: a name of ``register_session``, or a ``SessionFrom``.
        vm: Which: a moId (``vm-12``), an instanceUuid, an inventory path or a name.
        target: What ``export_vm`` writes, as a template: ``{vm}`` is the VM's name, ``{moid}`` its
            moId, ``{uuid}`` its instanceUuid, ``{session}`` the session's name, ``{date}`` and
            ``{time}`` when the run began (``2026-11-28``, ``021530``). Directories above it are
            made.
        options: Keywords of ``export_vm`` of plain values, such as ``{"snapshot": True}``.

    Raises:
        ValueError: The template or an option is unknown.
        TypeError: A value is not plain: text, a number, a bool, None, or lists and mappings of
            these.

    Examples:
        >>> from nfclease.fleet import ExportJob
        >>> ExportJob("lab", "/DC0/vm/web", "{date}/{vm}.ova", {"overwrite": True}).key
        'export lab: /DC0/vm/web -> {date}/{vm}.ova'
    """

    session: str | SessionFrom
    vm: str
    target: str
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        check_texts(self, ("vm", "target"))
        targets.check(self.target, targets.OF_EXPORTS)
        set_options(self, export_vm)

    @property
    def kind(self) -> str:
        """``export``."""
        return "export"

    @property
    def key(self) -> str:
        """What names it over several runs."""
        return f"export {name_of(self.session)}: {self.vm} -> {self.target}"

    @property
    def subject(self) -> str:
        """What it is about, for people: the VM."""
        return self.vm

    def settings(self) -> dict[str, Any]:
        """Its options, as JSON knows them, without anything secret."""
        return dict(self.options)


@dataclass(frozen=True)
class ImportJob:
    """One package in, as a VM or a vApp.

    Attributes:
        session: As of ``ExportJob``.
        source: The path or the ``https://`` address of a package, as a worker sees it.
        resource_pool: Where it is to run: path, name or moId.
        name: What it is called, as a template of ``{source}`` (the package's name), ``{session}``,
            ``{date}`` and ``{time}``.
        datastore: Path, name or moId; None if only one exists.
        folder: Likewise; None means the datacenter's own folder.
        host: Likewise; None leaves the choice to the server.
        options: Keywords of ``import_vapp`` of plain values, such as ``{"power_on": True}``.
            Passwords among its ``properties`` are a part of the job: workers get them. They are in
            no journal and no message.

    Raises:
        ValueError: The template or an option is unknown.
        TypeError: A value is not plain.

    Examples:
        >>> from nfclease.fleet import ImportJob
        >>> ImportJob("lab", "web.ova", "Resources", "{source}-copy").key
        'import lab: web.ova -> {source}-copy'
    """

    session: str | SessionFrom
    source: str
    resource_pool: str
    name: str = "{source}"
    datastore: str | None = None
    folder: str | None = None
    host: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)

    def __post_init__(self) -> None:
        check_texts(self, ("source",))
        check_places(self)
        targets.check(self.name, targets.OF_IMPORTS)
        set_options(self, import_vapp, "name", *PLACES)

    @property
    def kind(self) -> str:
        """``import``."""
        return "import"

    @property
    def key(self) -> str:
        """What names it over several runs."""
        return f"import {name_of(self.session)}: {self.source} -> {self.name}"

    @property
    def subject(self) -> str:
        """What it is about, for people: the package."""
        return self.source

    def settings(self) -> dict[str, Any]:
        """Its options, as JSON knows them; of properties the names alone."""
        said = places_of(self) | dict(self.options)
        if "properties" in said:
            said["properties"] = sorted(said["properties"])
        return said


if TYPE_CHECKING:
    from typing import TypeAlias

    from nfclease.fleet.copy_job import CopyJob

    #: What a run takes.
    Job: TypeAlias = ExportJob | ImportJob | CopyJob
