"""The jobs of a fleet: plain data, so that any worker can have one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field

from nfclease._arguments import LEASE_OPTIONS
from nfclease.appliance.export import export_vm
from nfclease.appliance.importing import import_vapp
from nfclease.fleet import targets
from nfclease.fleet.sessions import SessionFrom, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
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
        _check_texts(self, ("vm", "target"))
        targets.check(self.target, targets.OF_EXPORTS)
        object.__setattr__(self, "options", _checked(self.options, _options_of(export_vm)))

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
        datastore: Path, name or moId; None where there is only one to choose.
        folder: Likewise; None is the datacenter's own folder.
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
        _check_texts(self, ("source", "resource_pool", "name"))
        targets.check(self.name, targets.OF_IMPORTS)
        known = _options_of(import_vapp) - {"datastore", "folder", "host", "name"}
        object.__setattr__(self, "options", _checked(self.options, known))

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
        places = ("resource_pool", "datastore", "folder", "host")
        said = {name: getattr(self, name) for name in places} | dict(self.options)
        if "properties" in said:
            said["properties"] = sorted(said["properties"])
        return said


if TYPE_CHECKING:
    from typing import TypeAlias

    #: What a run takes.
    Job: TypeAlias = ExportJob | ImportJob


@functools.cache
def _options_of(call: Callable[..., object]) -> frozenset[str]:
    """The keywords of a whole job, without those that are for the caller's own process."""
    known = inspect.signature(call).parameters.values()
    names = {each.name for each in known if each.kind is each.KEYWORD_ONLY}
    return (LEASE_OPTIONS | names) - {"progress", "urls"}


def _check_texts(job: object, names: tuple[str, ...]) -> None:
    kind = type(job).__name__
    if not isinstance(getattr(job, "session", None), (str, SessionFrom)):
        raise TypeError(f"session of {kind} must be a name or a SessionFrom")
    for name in names:
        value = getattr(job, name)
        if not isinstance(value, str):
            raise TypeError(f"{name} of {kind} must be a string, not {type(value).__name__}")
        if not value or not value.isprintable():
            raise ValueError(f"{name} of {kind} is empty or has control characters")


def _checked(options: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """A copy of the options: what the caller changes later is not meant."""
    if not isinstance(options, Mapping):
        raise TypeError(f"options must be a mapping, not {type(options).__name__}")
    unknown = sorted(map(str, set(options) - known))
    if unknown:
        raise ValueError(f"options has {', '.join(unknown)}; a job has {', '.join(sorted(known))}")
    return {name: _plain(name, value) for name, value in options.items()}


def _plain(name: str, value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(name, each) for each in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(name, each) for key, each in value.items()}
    raise TypeError(
        f"{name} must be text, a number, a bool, None, or a list or mapping of these, "
        f"not {type(value).__name__}: jobs go to other processes"
    )
