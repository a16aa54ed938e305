"""``--include`` and ``--exclude``: which of a VM's files are exported."""

from __future__ import annotations

from fnmatch import fnmatchcase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    Choice: TypeAlias = Callable[[Any], bool] | None

#: Left out unless somebody asks for them, as ``export_vm`` does.
_IMAGES = (".iso", ".flp", ".img", ".ima")


class Selection:
    """Patterns of file names, in any case, and which of them met a file.

    Args:
        include: Of files beside the disks; None for the usual ones.
        exclude: Of any files, which then are left out.
    """

    def __init__(self, include: Sequence[str] | None, exclude: Sequence[str] | None) -> None:
        self._include, self._exclude = include, list(exclude or ())
        self._met: set[str] = set()

    @property
    def choice(self) -> Choice:
        """What ``include=`` of ``export_vm`` gets."""
        return self._is_wanted if self._include or self._exclude else None

    def unmatched(self) -> list[str]:
        """Patterns that no file had a name for: typing mistakes, as a rule."""
        return [each for each in [*(self._include or ()), *self._exclude] if each not in self._met]

    def _is_wanted(self, device: Any) -> bool:
        name: str = device.targetId.lower()
        is_disk = device.disk or (device.disk is None and name.endswith(".vmdk"))
        named = self._matches(name, self._include or ())
        if self._include is None:
            named = not name.endswith(_IMAGES)
        return not self._matches(name, self._exclude) and bool(is_disk or named)

    def _matches(self, name: str, patterns: Sequence[str]) -> bool:
        met = {each for each in patterns if fnmatchcase(name, each.lower())}
        self._met |= met
        return bool(met)
