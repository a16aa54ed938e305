"""Pull mode: the host fetches the files of an import from their address itself."""

from __future__ import annotations

import time
from functools import partial
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit

from pyVmomi import vim

from nfclease import _core
from nfclease._text import escaped
from nfclease.appliance._address import shown_thumbprint, without_login
from nfclease.appliance._face import task_result
from nfclease.exceptions import ManifestError, PackageError, ProtocolError, SizeMismatchError
from nfclease.transfer import TransferResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from typing import Any

    from nfclease._arguments import Urls
    from nfclease._lease_core import LeaseCore
    from nfclease.appliance._face import Face
    from nfclease.appliance._import_files import Wanted
    from nfclease.appliance._sums import Sums
    from nfclease.progress import ProgressOption


class Origin(NamedTuple):
    """Where the host fetches from.

    Attributes:
        url: The address, without the login in it.
        headers: What goes along, such as the login.
        thumbprint: SHA-1 of the certificate that its server shows.
        is_archive: Whether it is an archive, and not a descriptor with its files beside it.
    """

    url: str
    headers: Mapping[str, str]
    thumbprint: str
    is_archive: bool


async def origin_of(
    face: Face,
    source: str,
    package: _core.Package | _core.Incoming,
    *,
    ca_file: str | os.PathLike[str] | None,
    ssl_thumbprint: str | None,
) -> Origin:
    """Looks at the server of an address once more, for what its certificate is.

    Raises:
        ThumbprintMismatchError: It is another one than the one that is pinned.
        OSError: It cannot be reached, or is not to be trusted.
    """
    url, headers = without_login(source)
    show = partial(shown_thumbprint, url, ca_file=ca_file, ssl_thumbprint=ssl_thumbprint)
    is_archive = unquote(urlsplit(url).path.rpartition("/")[2]) != package.descriptor_name
    return Origin(url, headers, await face.in_thread(show), is_archive)


class Pulled:
    """Files that the host fetches. Nobody but us compares what it got with the manifest file."""

    def __init__(
        self,
        package: _core.Package | _core.Incoming,
        wanted: Sequence[Wanted],
        sums: Sums,
        origin: Origin,
    ) -> None:
        self._package, self._wanted = package, wanted
        self._sums, self._origin = sums, origin
        #: What was found out at the end.
        self.notes: list[str] = []
        #: By which digest what the host got was compared, by a file's name.
        self.proved: dict[str, str] = {}
        for each in wanted:
            if each.is_packed:
                raise PackageError(
                    f"{escaped(each.name)} is compressed or in pieces, and a host that fetches it "
                    "itself does not unpack it; leave pull out"
                )

    async def run(
        self, face: Face, core: LeaseCore, progress: ProgressOption, urls: Urls
    ) -> list[TransferResult]:
        """Has the host fetch all, and compares what it lists of them.

        Raises:
            PackageError: The host cannot pull.
            ChecksumMismatchError: It got another file than the manifest file lists.
            SizeMismatchError: It got another size.
            ManifestError: It does not list what it got.
            vmodl.MethodFault: It could not fetch a file.
        """
        lease, began = core.plain, time.monotonic()
        keys = await face.call(lambda: _device_keys(lease))
        devices = [_device(each, keys) for each in self._wanted]
        types = {key: self._type(each) for each, key in zip(self._wanted, devices, strict=True)}
        await face.call(lambda: _ask_for(lease, types))
        files = [self._file(each) for each in self._wanted]
        task = await face.call(lambda: lease.HttpNfcLeasePullFromUrls_Task(files))
        await task_result(face, task, cancels=True)
        entries = await face.call(lambda: list(lease.HttpNfcLeaseGetManifest() or []))
        seconds, listed = time.monotonic() - began, {entry.key: entry for entry in entries}
        return [
            self._result(each, key, listed.get(key), seconds)
            for each, key in zip(self._wanted, devices, strict=True)
        ]

    def _type(self, wanted: Wanted) -> str:
        # SHA-1 is listed always, and of SHA-256 a server may be asked.
        lines = self._sums.of(wanted.name)
        return "sha256" if any(line.algorithm == "sha256" for line in lines) else "sha1"

    def _file(self, wanted: Wanted) -> Any:
        url, member = self._origin.url, self._member(wanted)
        if member is None:
            url = urljoin(url, quote(wanted.name))
        return vim.HttpNfcLease.SourceFile(
            targetDeviceId=wanted.item.deviceId,
            url=url,
            memberName=member or "",
            create=bool(wanted.item.create),
            sslThumbprint=self._origin.thumbprint,
            httpHeaders=[
                vim.KeyValue(key=name, value=value) for name, value in self._origin.headers.items()
            ],
            size=self._size(wanted),
        )

    def _member(self, wanted: Wanted) -> str | None:
        """Its name in the archive; None where it is beside the descriptor."""
        package = self._package
        if not self._origin.is_archive:
            return None
        folder = package.descriptor_name.rpartition("/")[0]
        names = {name for name, _ in package.members}
        for name in (wanted.name, wanted.file["href"]):
            full = f"{folder}/{name}" if folder else name
            if full in names:
                return full
        return f"{folder}/{wanted.name}" if folder else wanted.name

    def _size(self, wanted: Wanted) -> int | None:
        package = self._package
        if isinstance(package, _core.Package):
            return package.member_size(wanted.file["href"])
        return None

    def _result(self, wanted: Wanted, key: str, entry: Any, seconds: float) -> TransferResult:
        if entry is None:
            raise ManifestError(
                f"{escaped(wanted.name)}: the host fetched it itself and its manifest does not "
                "list it, so nothing proves what it got; leave pull out"
            )
        size = self._size(wanted)
        if size is not None and entry.size != size:
            error = SizeMismatchError(
                f"{escaped(wanted.name)}: the host got {entry.size} bytes of it, and it has {size}"
            )
            error.expected, error.actual = size, int(entry.size)
            raise error
        sums = {"sha1": entry.sha1, entry.checksumType or "sha1": entry.checksum or entry.sha1}
        self._sums.check(wanted.name, {kind: sum.lower() for kind, sum in sums.items()})
        for line in self._sums.of(wanted.name):
            if line.algorithm not in sums:
                self.notes.append(
                    f"{escaped(wanted.name)}: the host fetched it itself, and lists no "
                    f"{line.algorithm} to compare with the manifest file"
                )
            elif self.proved.get(wanted.name) != "sha256":
                self.proved[wanted.name] = line.algorithm
        listed = self.proved.get(wanted.name, "sha1")
        return TransferResult(
            key=key,
            name=wanted.name,
            bytes=entry.size,
            checksum=sums[listed].lower(),
            checksum_type=listed,
            verified="manifest",
            seconds=seconds,
            attempts=1,
        )


def _device_keys(lease: Any) -> dict[str, str]:
    """``DeviceUrl.key`` by ``importKey``."""
    if not lease.capabilities.pullModeSupported:
        raise PackageError(
            "this server does not fetch files itself (HttpNfcLease.capabilities.pullModeSupported "
            "is false); leave pull out, and they are sent from here"
        )
    return {device.importKey: device.key for device in lease.info.deviceUrl}


def _device(wanted: Wanted, keys: Mapping[str, str]) -> str:
    key = keys.get(wanted.item.deviceId)
    if key is None:
        raise ProtocolError(f"the lease has no device for {escaped(wanted.item.deviceId or '')}")
    return key


def _ask_for(lease: Any, types: Mapping[str, str]) -> None:
    """Says which digests are to be listed; SHA-1 always is."""
    others = [vim.KeyValue(key=key, value=kind) for key, kind in types.items() if kind != "sha1"]
    if others:
        lease.HttpNfcLeaseSetManifestChecksumType(others)
