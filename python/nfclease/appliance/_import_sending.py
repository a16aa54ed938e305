"""The way of an import's files to the server: side by side, or as a stream brings them."""

from __future__ import annotations

from functools import partial

from nfclease._operations.transfers import upload_each
from nfclease._text import escaped
from nfclease.appliance._sums import Sums

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from nfclease import _core
    from nfclease._arguments import Urls
    from nfclease._lease_core import LeaseCore
    from nfclease.appliance._face import Face
    from nfclease.appliance._import_files import Wanted
    from nfclease.progress import ProgressOption
    from nfclease.transfer import TransferResult

#: Computed of a stream whose manifest file comes last: what most of these list. SHA-512 too
#: would cost more than all the rest together.
_USUAL = "sha256"


class SideBySide:
    """Files of a package that is read at any place.

    Args:
        wanted: The files.
        sources: What each upload reads.
        in_turn: Whether each file waits for the one before it.
    """

    def __init__(
        self, wanted: Sequence[Wanted], sources: Sequence[_core.Source], *, in_turn: bool
    ) -> None:
        self._in_turn = in_turn
        self._files = [
            (each.item, source, None if each.is_packed else each.line)
            for each, source in zip(wanted, sources, strict=True)
        ]

    async def run(
        self, face: Face, core: LeaseCore, progress: ProgressOption, urls: Urls
    ) -> list[TransferResult]:
        """Sends all."""
        in_turn = self._in_turn
        return await upload_each(core, face.backend, self._files, progress, urls, in_turn=in_turn)


class InOrder:
    """Files of a stream, each when it comes. Its manifest file may come after them."""

    def __init__(
        self, package: _core.Incoming, wanted: Sequence[Wanted], order: Sequence[str]
    ) -> None:
        self._package, self._wanted = package, wanted
        self._order = {name: number for number, name in enumerate(order)}
        self._is_late = package.manifest is None
        #: What was found out at the end.
        self.notes: list[str] = []
        #: By which digest a file was compared with a manifest file that came last, by its name.
        self.proved: dict[str, str] = {}

    async def run(
        self, face: Face, core: LeaseCore, progress: ProgressOption, urls: Urls
    ) -> list[TransferResult]:
        """Sends all, and reads the stream to its end.

        Raises:
            ChecksumMismatchError: The manifest file that came last is about other files.
        """
        results: dict[int, TransferResult] = {}
        for each in sorted(self._wanted, key=lambda one: self._order[one.name]):
            source = await face.in_thread(partial(each.source, self._package))
            line = each.line or (_USUAL, None)
            files = [(each.item, source, line)]
            [results[id(each)]] = await upload_each(core, face.backend, files, progress, urls)
        await face.in_thread(self._package.finish)
        ordered = [results[id(each)] for each in self._wanted]
        if self._is_late:
            self._compare(ordered)
        return ordered

    def _compare(self, results: Sequence[TransferResult]) -> None:
        sums = Sums(self._package)
        sums.check_descriptor(self._package)
        for each, result in zip(self._wanted, results, strict=True):
            line = sums.line_or_note(each.name)
            if line is None:
                continue
            here = {
                result.checksum_type: result.checksum,
                result.file_checksum_type: result.file_checksum,
            }
            actual = here.get(line.algorithm)
            if actual is None:
                sums.notes.append(
                    f"{escaped(each.name)}: the manifest file came after it, and lists its "
                    f"{line.algorithm}, which was not computed"
                )
            else:
                sums.check(each.name, actual)
                self.proved[each.name] = line.algorithm
        self.notes = sums.notes
