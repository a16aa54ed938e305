"""Pull mode: the server fetches the files of an import itself."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from cryptography import x509

from nfclease.simulator.lease.files import LeaseFile
from nfclease.simulator.lease.lease import Lease
from nfclease.simulator.lease.members import member
from nfclease.simulator.lease.streams import Ended, Stream
from nfclease.simulator.lease.uploads import keep
from nfclease.simulator.lease.wire import CutError
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.soap.vsphere import fault, vim

_CHUNK = 256 << 10
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)


class _Source:
    """A SourceFile that is open, with its response."""

    def __init__(self, given: Any, timeout: aiohttp.ClientTimeout = _TIMEOUT) -> None:
        self.given = given
        pinned = given.sslThumbprint or getattr(given, "sslCertificate", None)
        context = ssl.create_default_context()
        if pinned:  # then it decides, and nothing else
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, force_close=True),
            timeout=timeout,
            auto_decompress=False,
        )

    async def __aenter__(self) -> aiohttp.ClientResponse:
        headers = {pair.key: pair.value for pair in self.given.httpHeaders}
        try:
            response = await self._session.get(self.given.url, headers=headers)
            self._check(response)
        except BaseException:
            await self._session.close()
            raise
        return response

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    def _check(self, response: aiohttp.ClientResponse) -> None:
        given, connection = self.given, response.connection
        transport = connection.transport if connection else None
        tls = transport.get_extra_info("ssl_object") if transport else None
        if tls is None:
            return
        shown = tls.getpeercert(True)
        wanted = given.sslThumbprint
        pem = getattr(given, "sslCertificate", None)
        thumbprint = hashlib.sha1(shown, usedforsecurity=False).hexdigest()
        digits = (wanted or "").replace(":", "").lower()
        sums = (thumbprint, hashlib.sha256(shown).hexdigest())
        wrong = digits not in sums if wanted else pem and ssl.PEM_cert_to_DER_cert(pem) != shown
        if wrong:
            told = ":".join(thumbprint[at : at + 2] for at in range(0, 40, 2)).upper()
            known = x509.load_der_x509_certificate(shown)
            own = known.issuer == known.subject
            raise fault("vim.fault.SSLVerifyFault", selfSigned=own, thumbprint=told)


async def pull(lease: Lease, task: Task, sources: list[Any]) -> None:
    """Fetches files one after another, as ``HttpNfcLeasePullFromUrls_Task`` says.

    Raises:
        vim.fault.HttpFault: A server cannot be reached, refuses, or breaks off.
        vim.fault.SSLVerifyFault: It presents another certificate than the one that is given.
        vim.fault.FileNotFound: The archive has no such member.
        vim.fault.FileFault: A file has another size than was said, or is not a disk.
        vmodl.fault.InvalidArgument: A device is not one of the lease.
    """
    running = asyncio.current_task()
    assert running is not None

    def cancel() -> None:
        running.cancel()

    lease.transfers.add(cancel)
    try:
        for number, source in enumerate(sources):
            await _pull_one(lease, task, source, 100 * number, len(sources))
    except asyncio.CancelledError:
        raise fault("vmodl.fault.RequestCanceled") from None
    finally:
        lease.transfers.discard(cancel)


async def _pull_one(lease: Lease, task: Task, source: Any, before: int, files: int) -> None:
    try:
        async with _Source(source) as response:
            if response.status >= 400:
                raise _http_fault(response.status, response.reason or "")
            file = _file_of(lease, source)
            stream = _stream(lease, file, source)
            total = source.size or (0 if source.memberName else response.content_length or 0)
            async for piece in _bytes_of(response, source):
                await stream.receive(piece)
                if total:
                    task.progress = (before + min(100 * stream.size // total, 100)) // files
                    lease.world.touch()
    except (aiohttp.ClientError, asyncio.TimeoutError, CutError, EOFError, Ended) as error:
        raise _http_fault(503, str(error) or type(error).__name__) from error
    except KeyError:
        raise fault("vim.fault.FileNotFound", file=source.memberName) from None
    except ValueError as error:
        raise fault("vim.fault.FileFault", str(error), file=source.url) from error
    if source.size and stream.size != source.size:
        text = f"{source.url} has {stream.size} bytes, not {source.size}"
        raise fault("vim.fault.FileFault", text, file=source.url)
    if file.file.disk and stream.head[:4] != b"KDMV":
        raise fault("vim.fault.FileFault", f"{source.url} is not a disk", file=source.url)
    stream.record.status, stream.record.ended = 200, lease.world.clock()
    stream.publish()
    keep(file, stream)


def _file_of(lease: Lease, source: Any) -> LeaseFile:
    files = lease.content.files if lease.content else []
    for file in files:
        if source.targetDeviceId in (file.import_key, file.key) and lease.kind == "import":
            return file
    raise fault("vmodl.fault.InvalidArgument", invalidProperty="files.targetDeviceId")


def _stream(lease: Lease, file: LeaseFile, source: Any) -> Stream:
    """Where the bytes go; faults match it by the method ``PULL``."""
    record = lease.world.recorder.transfer(
        listener="pull",
        method="PULL",
        path=source.url,
        headers={},
        lease=lease.moid,
        disk=file.known_as,
    )
    return Stream(lease.world, lease, file, record, None)


async def _bytes_of(response: aiohttp.ClientResponse, source: Any) -> AsyncIterator[bytes]:
    pieces = response.content.iter_chunked(_CHUNK)
    if not source.memberName:
        async for piece in pieces:
            yield piece
        return

    def found(size: int) -> None:
        if source.size and source.size != size:
            raise ValueError(f"{source.memberName} has {size} bytes, not {source.size}")

    async for piece in member(aiter(pieces), source.memberName, found):
        yield piece


def _http_fault(status: int, message: str) -> Any:
    return fault("vim.fault.HttpFault", statusCode=status, statusMessage=message)


async def probe(source: Any, seconds: float) -> Any:
    """Whether the server of a source can be reached, and is the one that is meant."""
    limit = aiohttp.ClientTimeout(total=seconds)
    try:
        async with _Source(source, limit):
            reached = True
    except (aiohttp.ClientError, asyncio.TimeoutError, ValueError, vim.fault.SSLVerifyFault):
        reached = False
    return vim.HttpNfcLease.ProbeResult(serverAccessible=reached)
