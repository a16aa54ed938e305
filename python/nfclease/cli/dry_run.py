"""What ``--dry-run`` of both commands says: files, room, and what the server would be asked for."""

from __future__ import annotations

import shutil
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from nfclease.cli.console import Console

__all__ = ["Need", "free_space", "show_needs", "show_rows"]


class Need(NamedTuple):
    """A privilege that a job needs.

    Attributes:
        privilege: By vSphere's own name.
        entity: On what; pyvmomi's object.
        call: What it is needed for.
    """

    privilege: str
    entity: Any
    call: str


def free_space(directory: str) -> int | None:
    """Bytes that this user can still write there; None if unknown."""
    try:
        return shutil.disk_usage(directory).free
    except OSError:
        return None


def show_rows(
    console: Console,
    names: Sequence[str],
    rows: Iterable[tuple[dict[str, Any], Sequence[str]]],
    right: Sequence[str] = (),
) -> None:
    """A table; with ``--json`` an object for each of its rows."""
    from nfclease.cli.tables import table, terminal_width

    rows = list(rows)
    if console.json:
        for row, _ in rows:
            console.row(row, "")
        return
    for line in table(names, [_plain(cells) for _, cells in rows], terminal_width(), right):
        console.row({}, line)


def _plain(cells: Iterable[str]) -> list[str]:
    from nfclease._text import escaped

    return [escaped(cell) for cell in cells]


def show_needs(console: Console, service_instance: Any, needs: Sequence[Need]) -> list[str]:
    """Shows each privilege, and whether this session has it.

    Returns:
        A sentence for each one that is missing.
    """
    rows, missing = [], []
    for need, has in zip(needs, _held(service_instance, needs), strict=True):
        name = str(need.entity.name)
        row = {
            "type": "privilege",
            "privilege": need.privilege,
            "on": name,
            "entity": need.entity._moId,
            "call": need.call,
            "held": has,
        }
        word = "not known" if has is None else "yes" if has else "NO"
        rows.append((row, (need.privilege, name, need.call, word)))
        if has is False:
            missing.append(f"this user lacks the privilege {need.privilege} on {name}")
    show_rows(console, ("privilege", "on", "for", "held"), rows)
    return missing


def _held(service_instance: Any, needs: Sequence[Need]) -> list[bool | None]:
    """Whether this session has each; None where the server does not say."""
    content = service_instance.content
    session = content.sessionManager.currentSession.key
    return [_has(content.authorizationManager, session, need) for need in needs]


def _has(manager: Any, session: str, need: Need) -> bool | None:
    from pyVmomi import vmodl

    try:
        [answer] = manager.HasPrivilegeOnEntities([need.entity], session, [need.privilege])
        return bool(answer.privAvailability[0].isGranted)
    except (vmodl.MethodFault, ValueError, IndexError, AttributeError):
        return None
