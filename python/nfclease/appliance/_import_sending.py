"""The way of an import's files to the server: side by side, or as a stream brings them."""

from __future__ import annotations

from functools import partial

from nfclease._operations.uploads import upload_each
from nfclease._text import escaped
from nfclease.appliance._listed import plain
from nfclease.appliance._sums import Sums

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from nfclease import _core
    from nfclease._arguments import Urls
    from nfclease._lease_core import LeaseCore
    from nfclease.appliance._face import Face
    from nfclease.appliance._import_files import Wanted
    from nfclease.progress import ProgressOption
    from nfclease.transfer import TransferResult

#: The note on a package with a ``.cert``.
NOT_CHECKED = "its signature (.cert) was not checked"

#: Computed of a stream whose manifest file comes last: what most of these list. SHA-512 too
#: would cost more than all the rest together.
_USUAL = "sha256"


def unsent(
    package: _core.Package | _core.Incoming, wanted: Sequence[Wanted], sums: Sums
) -> list[str]:
    """The files that have lines in the manifest file, and that the server does not want."""
    own = package.descriptor_name.rpartition("/")[2]
    sent = [name for each in wanted for name in (each.name, *each.stored(package))]
    return sums.beside([own, *sent])


class SideBySide:
    """Files of a package that is read at any place.

    Args:
        wanted: The files.
        sources: What each upload reads.
        sums: The lines of the manifest file.
        has_deltas: Whether a disk is the delta of another: each file waits for the one before it.
    """

    def __init__(
        self,
        wanted: Sequence[Wanted],
        sources: Sequence[_core.Source],
        sums: Sums,
        *,
        has_deltas: bool,
    ) -> None:
        self._wanted, self._sums, self._has_deltas = wanted, sums, has_deltas
        self._files = [
            (each.item, source, None if each.is_packed else each.line)
            for each, source in zip(wanted, sources, strict=True)
        ]

    async def run(
        self, face: Face, core: LeaseCore, progress: ProgressOption, urls: Urls
    ) -> list[TransferResult]:
        """Sends all.

        Raises:
            ChecksumMismatchError: A file is not as each of its lines in the manifest file says.
        """
        deltas, files = self._has_deltas, self._files
        results = await upload_each(core, face.backend, files, progress, urls, has_deltas=deltas)
        for each, result in zip(self._wanted, results, strict=True):
            if not each.is_packed:
                self._sums.check(each.name, _known(result))
        return results


class InOrder:
    """Files of a stream, each when it comes. Its manifest file may come after them."""

    def __init__(
        self, package: _core.Incoming, wanted: Sequence[Wanted], descriptor: dict[str, Any]
    ) -> None:
        self._package, self._wanted, self._descriptor = package, wanted, descriptor
        self._order = {file["path"]: number for number, file in enumerate(descriptor["files"])}
        self._is_late = package.manifest is None
        # What the plan says of it: the rest comes with the files.
        self._noted, self._was_signed = len(package.notes), package.certificate
        #: What was found out at the end.
        self.notes: list[str] = []
        #: By which digest a file was compared with a manifest file that came last, by its name.
        self.proved: dict[str, str] = {}

    async def run(
        self, face: Face, core: LeaseCore, progress: ProgressOption, urls: Urls
    ) -> list[TransferResult]:
        """Sends all, and reads the stream to its end, where more may be odd.

        Raises:
            ChecksumMismatchError: The manifest file is about other files.
            PackageError: A disk is larger than what it is to become.
        """
        results: dict[int, TransferResult] = {}
        for each in sorted(self._wanted, key=lambda one: self._order[one.name]):
            source = await face.in_thread(partial(each.source, self._package))
            line = each.line or (_USUAL, None)
            files = [(each.item, source, line)]
            sending = upload_each(core, face.backend, files, progress, urls, has_deltas=None)
            [result] = await sending
            each.check_capacity(self._descriptor, result.capacity)
            results[id(each)] = result
        await face.in_thread(self._package.finish)
        ordered = [results[id(each)] for each in self._wanted]
        self.notes = self._package.notes[self._noted :]
        self._compare(ordered)
        if self._package.certificate and not self._was_signed:
            self.notes.append(NOT_CHECKED)
        return ordered

    def _compare(self, results: Sequence[TransferResult]) -> None:
        sums = Sums(self._package)
        if self._is_late:
            sums.check_descriptor(self._package)
        for each, result in zip(self._wanted, results, strict=True):
            known = _known(result)
            sums.check(each.name, known)
            if self._is_late and (kind := sums.proving(each.name, known)):
                self.proved[each.name] = kind
        if self._is_late:
            self._note_unsent(sums)
            self.notes += sums.notes

    def _note_unsent(self, sums: Sums) -> None:
        """Says of which lines the file has gone by, or never came."""
        folder = self._package.descriptor_name.rpartition("/")[0]
        came = {plain(name) for name, _ in self._package.members}
        for name in unsent(self._package, self._wanted, sums):
            if plain(f"{folder}/{name}") in came:
                sums.notes.append(
                    f"{escaped(name)}: the manifest file came after it; nothing was sent of it, "
                    "nor compared"
                )
            else:
                sums.note_gone(name)


def _known(result: TransferResult) -> dict[str | None, str | None]:
    """What an upload computed of its file, by the digests' names."""
    return {
        result.checksum_type: result.checksum,
        result.file_checksum_type: result.file_checksum,
    }
