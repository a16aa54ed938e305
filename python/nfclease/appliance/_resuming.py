"""An export that goes on from an earlier one: which disks count, and which are kept."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from functools import partial

from nfclease._log import calls, extra, logger
from nfclease._notes import add_note
from nfclease._text import escaped, reason_of
from nfclease.appliance._descriptor import sums_of
from nfclease.appliance._digests import digests
from nfclease.appliance._kept import KeptFile, Record, read
from nfclease.appliance._staging import Staging
from nfclease.appliance._unchanged import Identity, identity_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from nfclease.appliance._face import Face
    from nfclease.appliance._included import Included
    from nfclease.transfer import TransferResult


class Resuming:
    """``async with`` it: the staging folder of an export, which goes when the export succeeds.

    Args:
        face: How the job waits.
        target: The path that the package is to have.
        kind: The sums of the manifest file; None without one.
        options: The keywords of ``HttpNfcLease``.

    Raises:
        OSError: The folder cannot be made, another export has it, or another user made it.
    """

    def __init__(
        self, face: Face, target: str, kind: str | None, options: Mapping[str, object]
    ) -> None:
        self._face, self._kind = face, kind
        self._server_kind = options.get("checksum_type")
        self._needs_manifest = options.get("require_manifest") is True
        #: What has to be equal besides, for a disk to be as well verified as this export wants.
        self._depth = {"verify_format": str(options.get("verify_format", True))}
        self._staging = Staging(target)
        #: Where the files of the package are until it has its name.
        self.package: str = self._staging.package
        self._identity = Identity({}, {})
        #: Disks of an earlier export whose bytes were digested again, by their keys.
        self._proved: dict[str, KeptFile] = {}
        self._record: Record | None = None
        self._is_left = False
        #: Held while the folder is changed, in a thread that may go on behind the job.
        self._lock = threading.Lock()

    async def __aenter__(self) -> Resuming:
        try:
            await self._face.call(self._staging.open)
        except BaseException as error:
            await self._face.cleanup(self._staging.close, error)
            raise
        return self

    async def look(self, vm: Any, snapshot: Any) -> None:
        """Digests the disks that may count, before there is a lease that holds the VM."""
        await self._face.in_thread(partial(self._look, vm, snapshot))

    def _look(self, vm: Any, snapshot: Any) -> None:
        self._identity = identity_of(vm, snapshot)
        record = read(self._staging.record)
        if record is None or record.vm != self._whole(self._identity):
            return
        for file in record.files.values():
            if self._identity.disks.get(file.key) == file.disk and self._suits(file):
                self._prove(file)

    def _whole(self, identity: Identity) -> dict[str, Any]:
        return {**identity.vm, **self._depth}

    def _suits(self, file: KeptFile) -> bool:
        """Whether it was compared as this export would compare it."""
        if self._server_kind not in (None, file.checksum_type):
            return False
        return file.verified == "manifest" or not self._needs_manifest

    def _prove(self, file: KeptFile) -> None:
        path = os.path.join(self.package, file.name)
        kinds = {file.checksum_type, *([self._kind] if self._kind else [])}
        try:
            size = os.stat(path, follow_symlinks=False).st_size
            sums = digests(path, kinds, self._goes_on) if size == file.size else {}
        except OSError as error:
            sums = {}
            calls().debug("%s: %s", escaped(file.name), escaped(reason_of(error)))
        if any(sums.get(kind) != file.sums.get(kind, sums.get(kind)) for kind in kinds) or not sums:
            logger().warning("%s is not what was kept of it: it is fetched again", escaped(path))
            return
        self._proved[file.key] = replace(file, sums=sums)

    def _goes_on(self) -> None:
        if self._is_left:
            raise RuntimeError("nobody waits for this export any more")

    async def settle(
        self, lease: Any, vm: Any, snapshot: Any, files: Sequence[Included]
    ) -> dict[str, KeptFile]:
        """The disks that are not fetched again, by their names. All else of the folder goes.

        Nobody can change the VM now: what the server says of it is what the disks are kept for.

        Args:
            lease: The plain lease, which is ready.
            vm: As for ``look``.
            snapshot: As for ``look``.
            files: What the export takes.
        """
        settle = partial(self._settle, lease, vm, snapshot, files)
        return await self._face.call(settle)

    def _settle(
        self, lease: Any, vm: Any, snapshot: Any, files: Sequence[Included]
    ) -> dict[str, KeptFile]:
        now = identity_of(vm, snapshot)
        proved = self._proved if now.vm == self._identity.vm else {}
        listed = sums_of(lease) if proved else {}
        reused: dict[str, KeptFile] = {}
        for file in files:
            key = file.device.key
            kept = proved.get(key)
            if kept is None or not file.is_disk or kept.name != file.name:
                continue
            if now.disks.get(key) == kept.disk and not differing(kept, listed.get(key)):
                reused[file.name] = kept
        with self._lock:
            self._goes_on()
            self._identity = now
            self._staging.keep_only(set(reused))
            self._record = Record(self._whole(now), {file.key: file for file in reused.values()})
            self._record.write(self._staging.record)
        for name in reused:
            calls().debug("%s was kept, and is not fetched again", escaped(name))
        return reused

    async def keep(self, file: Included, result: TransferResult) -> None:
        """Notes that a file was verified, where it is a disk that can be told from a later one."""
        disk = self._identity.disks.get(file.device.key)
        if not file.is_disk or disk is None:
            return
        sums = {result.checksum_type: result.checksum}
        if result.file_checksum and result.file_checksum_type:
            sums[result.file_checksum_type] = result.file_checksum
        kept = KeptFile(
            key=file.device.key,
            name=file.name,
            size=result.bytes,
            checksum_type=result.checksum_type,
            verified=result.verified,
            sums=sums,
            capacity=result.capacity,
            populated_size=result.populated_size,
            disk=disk,
        )
        await self._face.call(partial(self._change, kept.key, kept))

    async def forget(self, key: str) -> None:
        """Takes a disk off the record: the next export fetches it."""
        await self._face.call(partial(self._change, key, None))

    def _change(self, key: str, kept: KeptFile | None) -> None:
        with self._lock:
            self._goes_on()
            if self._record is None:
                return
            self._record.files.pop(key, None)
            if kept is not None:
                self._record.files[key] = kept
            self._record.write(self._staging.record)

    async def __aexit__(self, _: object, cause: BaseException | None, __: object) -> None:
        self._is_left = True
        await self._face.cleanup(partial(self._leave, cause), cause)

    def _leave(self, cause: BaseException | None) -> None:
        with self._lock:
            names = [] if cause is None else self._there()
            if cause is None or not names:
                self._staging.remove()
                return
            self._staging.close()
        count = "1 disk is" if len(names) == 1 else f"{len(names)} disks are"
        text = (
            f"{count} kept in {escaped(self._staging.path, 1000)}; resume=True goes on from there"
        )
        add_note(cause, text)
        logger().info("%s", text, extra=extra())

    def _there(self) -> list[str]:
        """The disks that are kept, as far as they are there."""
        record = self._record or read(self._staging.record)
        names = [] if record is None else [file.name for file in record.files.values()]
        return [name for name in names if os.path.isfile(os.path.join(self.package, name))]


def differing(kept: KeptFile, entry: Any) -> tuple[str, str, str] | None:
    """Where a lease manifest's entry of a disk is about other bytes: what, expected, seen."""
    if entry is None:
        return None
    if entry.size is not None and entry.size != kept.size:
        return "size", str(entry.size), str(kept.size)
    for kind, digest in ((entry.checksumType, entry.checksum), ("sha1", entry.sha1)):
        own = kept.sums.get(kind or "")
        if own and digest and digest != own:
            return str(kind), digest, own
    return None
