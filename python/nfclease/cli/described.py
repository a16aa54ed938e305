"""What is in a package, as a person likes to read it."""

from __future__ import annotations

from nfclease._text import escaped
from nfclease.cli.tables import capacity, fields, size, table, wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from nfclease import PackageInfo
    from nfclease.appliance.package_info import (
        PackageDeploymentOption,
        PackageProperty,
        PackageSystem,
    )

#: The format that nearly all disks have; it is not worth a column.
_USUAL = "streamoptimized"
#: Characters of a property's values that are shown; some have all time zones of the world.
_MOST_VALUES = 30


def described(
    info: PackageInfo, source: str, width: int | None, *, everything: bool = False
) -> list[str]:
    """Lines about it; None as the width wraps nothing.

    Args:
        info: What ``inspect`` found.
        source: What the person called it.
        width: Columns of the terminal.
        everything: Whether descriptions are shown where there is a label, and hidden properties.
    """
    parts = [fields(_summary(info, source, everything), width)]
    parts.append(
        table(
            ("system", "cpus", "memory", "hardware", "operating system"),
            [row for system in info.systems for row in _system(system, 0)],
            width,
            right=("cpus", "memory"),
        )
    )
    parts.append(_disks(info, width))
    parts.append(_other_files(info, width))
    networks = [(plain(one.name), plain(one.description)) for one in info.networks]
    parts.append(table(("network", "description"), networks, width))
    options = [
        (plain(one.id), "yes" if one.default else "", _about(one, everything))
        for one in info.deployment_options
    ]
    parts.append(table(("deployment option", "default", "description"), options, width))
    shown = [one for one in info.properties if everything or one.user_configurable]
    properties = [
        (
            plain(one.key),
            kind(one),
            default(one),
            "" if one.user_configurable else "yes",
            _about(one, everything),
        )
        for one in shown
    ]
    names = ("property", "type", "default", "hidden", "description")
    parts.append(table(names, properties, width))
    odd = [line for note in info.notes for line in wrapped(f"odd: {note}", width and width - 1)]
    return "\n\n".join("\n".join(part) for part in [*parts, odd] if part).split("\n")


def plain(text: str) -> str:
    """A package's text on one line, short, without what a terminal would obey."""
    return escaped(" ".join(text.split()))


def licences(info: PackageInfo, width: int | None) -> list[str]:
    """The licences, whole."""
    lines: list[str] = []
    for eula in info.eulas:
        for line in eula.splitlines():
            safe = "".join(escaped(line[at : at + 200]) for at in range(0, len(line), 200))
            lines += wrapped(safe.rstrip(), width and width - 1)
        lines.append("")
    return lines[:-1]


def default(one: PackageProperty) -> str:
    """The default value; a password is not shown."""
    if one.default is None:
        return ""
    if one.password:
        return "(not shown)"
    return plain(one.default)


def kind(one: PackageProperty) -> str:
    """The type, or the values that are allowed."""
    name = "password" if one.password else plain(one.type)
    if not one.values:
        return name
    values = "|".join(map(plain, one.values))
    return values if len(values) <= _MOST_VALUES else f"{name}, one of {len(one.values)}"


def _summary(info: PackageInfo, source: str, everything: bool) -> Iterator[tuple[str, str]]:
    inside = plain(info.name)
    form = "before OVF 1" if info.version == "0.9" else f"OVF {info.version}"
    beside = "" if source.endswith(inside) else f", {inside}"
    yield "package", f"{plain(source)} ({form}{beside})"
    for product in info.products:
        version = plain(product.full_version or product.version)
        vendor = plain(product.vendor)
        words = (plain(product.name), version, f"by {vendor}" if vendor else "")
        yield "product", " ".join(filter(None, words))
    stored = [file.stored_size for file in info.files]
    missing = f", {stored.count(None)} missing" if None in stored else ""
    yield "files", f"{len(stored)}, {size(sum(each or 0 for each in stored))}{missing}"
    known = [disk.capacity for disk in info.disks if disk.capacity is not None]
    if known:
        yield "disks", f"{len(info.disks)}, {capacity(sum(known))} when they are full"
    yield "manifest", _manifest(info)
    yield "signature", "there (.cert), not checked here" if info.certificate else ""
    if info.eulas:
        yield "licence", f"{sum(map(len, info.eulas)):,} characters; --eula shows them"
    if info.properties and not everything:
        hidden = sum(not one.user_configurable for one in info.properties)
        also = f" and {hidden} that are hidden" if hidden else ""
        yield "properties", f"{len(info.properties)}; --all shows what each is for{also}"


def _manifest(info: PackageInfo) -> str:
    if info.manifest is None:
        return "none: no file can be compared"
    types = sorted({entry.checksum_type for entry in info.manifest.entries})
    return f"{len(info.manifest.entries)} lines, {', '.join(types)}" if types else "empty"


def _system(system: PackageSystem, depth: int) -> Iterator[tuple[str, ...]]:
    name = plain(system.name) or plain(system.id)
    if system.kind == "VirtualSystemCollection":
        name += " (vApp)"
    yield (
        "  " * depth + name,
        "" if system.cpus is None else str(system.cpus),
        capacity(system.memory),
        ", ".join(map(plain, system.hardware_versions)),
        plain(system.operating_system),
    )
    for inside in system.systems:
        yield from _system(inside, depth + 1)


def _disks(info: PackageInfo, width: int | None) -> list[str]:
    files = {file.id: file for file in info.files}
    rows = []
    for disk in info.disks:
        file = files.get(disk.file_ref or "")
        form = plain(disk.format.rpartition("#")[2].rpartition("/")[2])
        rows.append(
            (
                plain(disk.disk_id),
                capacity(disk.capacity),
                capacity(disk.populated_size),
                "" if file is None else size(file.stored_size) or "missing",
                "" if form.lower() == _USUAL else form,
                "" if disk.parent_ref is None else plain(disk.parent_ref),
                "(starts empty)" if file is None else plain(file.path or file.href),
            )
        )
    names = ("disk", "capacity", "in use", "size", "format", "delta of", "file")
    return table(names, rows, width, right=("capacity", "in use", "size"))


def _other_files(info: PackageInfo, width: int | None) -> list[str]:
    of_disks = {disk.file_ref for disk in info.disks}
    rows = [
        (size(file.stored_size) or "missing", plain(file.path or file.href))
        for file in info.files
        if file.id not in of_disks
    ]
    return table(("size", "other file"), rows, width, right=("size",))


def _about(one: PackageProperty | PackageDeploymentOption, everything: bool) -> str:
    """What it is for: its label, which says less than its description."""
    label, description = plain(one.label), plain(one.description)
    return (
        ": ".join(dict.fromkeys(filter(None, (label, description))))
        if everything
        else label or description
    )
