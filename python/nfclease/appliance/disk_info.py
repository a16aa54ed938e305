"""What is in a disk by itself, as ``inspect`` says it."""

from __future__ import annotations

from dataclasses import dataclass

from nfclease import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DiskInfo"]

#: From nothing to all of a part.
_SHADES = " ░▒▓█"
_PLAIN_SHADES = " .:+#"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskInfo:
    """A streamOptimized disk, by its header, its tables and its text; no grain was looked at.

    Attributes:
        capacity: Bytes that the disk can hold.
        stored_size: Bytes of the file.
        grain_size: Bytes of a grain; 65536 in all that is known to be written.
        version: Of the format, 1 to 3; hosts write and want 3.
        directory_in_front: Whether the grain directory comes before the grains, as qemu-img and
            open-vmdk write it; VMware has it at the end, before a footer.
        end_marker: Whether there is an end-of-stream marker.
        grains: How many grains are stored.
        zero_grains: How many the tables say are of zeros, which takes no room.
        descriptor: The text in the disk (``CID``, ``createType``, ``ddb.adapterType``) by names.
        cells: Of each 64th of the disk, which part is stored, in thousandths.

    Examples:
        >>> import nfclease
        >>> disk = nfclease.inspect("disk.vmdk").image
        >>> disk.grains, disk.populated, disk.version
        (1, 65536, 3)
        >>> disk.descriptor["createType"]
        'streamOptimized'
    """

    capacity: int
    stored_size: int
    grain_size: int
    version: int
    directory_in_front: bool
    end_marker: bool
    grains: int
    zero_grains: int
    descriptor: Mapping[str, str]
    cells: tuple[int, ...]

    @property
    def populated(self) -> int:
        """Bytes of the disk that are stored in grains."""
        return self.grains * self.grain_size

    def picture(self, *, ascii_only: bool = False) -> str:
        """What is stored, from the first sector to the last, in 64 characters.

        Args:
            ascii_only: Whether it is drawn of `` .:+#`` and not of blocks.

        Returns:
            A blank where nothing is stored, and the darker the more of that 64th of the disk is.

        Examples:
            >>> nfclease.inspect("disk.vmdk").image.picture(ascii_only=True).rstrip()
            '####'
        """
        shades = _PLAIN_SHADES if ascii_only else _SHADES
        steps = len(shades) - 1
        return "".join(shades[-(-cell * steps // 1000)] for cell in self.cells)


def info_of_disk(disk: _core.OpenDisk) -> DiskInfo:
    """What an open disk says of itself; reads its tables."""
    found = disk.about()
    found["descriptor"] = dict(found["descriptor"])
    found["cells"] = tuple(found["cells"])
    return DiskInfo(**found)
