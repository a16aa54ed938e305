"""What ``download_all`` returns: a list, which a notebook shows as one table."""

from __future__ import annotations

from nfclease._display.html import columns, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nfclease.transfer import TransferResult

    _List = list[TransferResult]
else:
    _List = list


class Results(_List):
    """A list of results like any other; a notebook shows a row for each."""

    def _repr_html_(self) -> str:
        files = "1 file" if len(self) == 1 else f"{len(self)} files"
        title = f"{files}, {size(sum(each.bytes for each in self))}"
        names = ["name", "size", "verified", "seconds", "attempts", "checksum"]
        rows = [
            [
                each.name,
                size(each.bytes),
                each.verified,
                f"{each.seconds:.2f}",
                each.attempts,
                f"{each.checksum_type} {each.checksum}",
            ]
            for each in self
        ]
        return columns(title, names, rows)
