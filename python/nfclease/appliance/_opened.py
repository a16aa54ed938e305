"""From what a caller passes as a package to one that is open."""

from __future__ import annotations

import os
import tempfile
from functools import partial

from nfclease import _core
from nfclease._local.ends import local_path, refuse_text
from nfclease._log import extra, logger
from nfclease.appliance._address import address_of, is_address
from nfclease.appliance._stream import incoming, is_stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from nfclease.appliance._face import Face


class opened:  # noqa: N801 - used as a function
    """``async with`` it: opens a package, and removes what it had to keep of a stream.

    A stream is read as it arrives, one file after the other: then ``in_order`` of the package is
    true. One whose files are compressed or in pieces goes to a temporary directory first, since an
    upload announces a length that nobody can tell before its end; so does one with disks to
    convert. It is removed in any case, also
    when the wait for the stream is broken off, whatever the stream gives after that.

    Args:
        face: How the job waits.
        source: The path of an ``.ova``, an ``.ovf`` or a directory; an ``https://`` address of one
            of the first two; a binary file object; an iterable of bytes.
        ca_file: PEM file of the CAs to trust for an address; the system's where none is given.
        ssl_thumbprint: Of the certificate of an address's server, which then decides alone.
        whole: Whether the files are wanted, and not the descriptor alone.
        saves: Whether what is read once goes to a temporary directory in any case.
    """

    def __init__(
        self,
        face: Face,
        source: Any,
        *,
        ca_file: str | os.PathLike[str] | None = None,
        ssl_thumbprint: str | None = None,
        whole: bool = True,
        saves: bool = False,
    ) -> None:
        self._face, self._source, self._whole, self._saves = face, source, whole, saves
        self._address = (
            address_of(source, ca_file=ca_file, ssl_thumbprint=ssl_thumbprint)
            if is_address(source)
            else None
        )
        if self._address is None and (ca_file is not None or ssl_thumbprint is not None):
            raise ValueError("ca_file and ssl_thumbprint are for a source that is an https address")
        self._kept: tempfile.TemporaryDirectory[str] | None = None

    async def __aenter__(self) -> _core.Package | _core.Incoming:
        package = await self._open()
        if isinstance(package, _core.Incoming) and self._is_saved(package):
            return await self._spooled(package)
        return package

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        cause: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._kept is not None:
            await self._face.cleanup(self._kept.cleanup, cause)

    async def _open(self) -> _core.Package | _core.Incoming:
        source, face = self._source, self._face
        if isinstance(source, (_core.Package, _core.Incoming)):
            return source
        if self._address is not None:
            return await face.in_thread(partial(_core.Package.of_url, self._address))
        if isinstance(source, (str, os.PathLike)):
            return await face.in_thread(partial(_core.Package.of_path, local_path(source)))
        if is_stream(source):
            return await incoming(face, source)
        if callable(getattr(source, "read", None)):
            refuse_text("source", source, "rb")
            from nfclease._local.stored import StoredEnd

            end = StoredEnd(source)
            return await face.in_thread(partial(_core.Package.of_file, end, end.length))
        raise TypeError(
            "source must be a path or an https:// address of an OVF package, a binary file object "
            f"or an iterable of bytes, not {type(source).__name__}"
        )

    def _is_saved(self, package: _core.Incoming) -> bool:
        return self._whole and (self._saves or _needs_length(package))

    async def _spooled(self, package: _core.Incoming) -> _core.Package:
        kept = self._kept = tempfile.TemporaryDirectory(prefix="nfclease-")
        path = os.path.join(kept.name, *package.descriptor_name.split("/"))

        def remove() -> None:
            # The thread may be waiting for the stream still, and makes the directory again if
            # it is not told; nobody can wait for it, since the stream may never give its next byte.
            package.stop_saving()
            kept.cleanup()

        try:
            logger().info(
                "%s is read once and has files that are not sent as they are: it goes to %s first",
                package.name,
                kept.name,
                extra=extra(file=package.name),
            )
            await self._face.in_thread(partial(package.save, kept.name))
            return await self._face.in_thread(partial(_core.Package.of_path, path))
        except BaseException as error:
            await self._face.cleanup(remove, error)
            raise


def _needs_length(package: _core.Incoming) -> bool:
    """Whether an upload of its files sends other bytes than are in the archive."""
    described = _core.parse_descriptor(package.descriptor, name=package.name)
    return any(
        file["chunk_size"] is not None or file["compression"] == "gzip"
        for file in described["files"]
    )
