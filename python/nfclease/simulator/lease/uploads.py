"""The data plane's way in: files that an import's lease is given."""

from __future__ import annotations

from aiohttp import web

from nfclease.simulator.inventory.vmdk import header_capacity
from nfclease.simulator.lease.files import LeaseFile
from nfclease.simulator.lease.lease import Lease
from nfclease.simulator.lease.streams import Ended, Stream
from nfclease.simulator.lease.wire import last_word
from nfclease.simulator.options import Options

OCTETS = "application/octet-stream"


async def take_upload(
    request: web.Request, lease: Lease, file: LeaseFile, stream: Stream, options: Options
) -> web.StreamResponse:
    """Reads a file, or refuses it as a host does."""
    status = _refusal(request, lease, file, options)
    if status is not None:
        return last_word(status)
    usual = 200 if request.method == "POST" else 201
    stream.record.status = options.upload_status or usual
    checked = False
    try:
        await stream.spring()
        async for data in request.content.iter_any():
            await stream.receive(data)
            if file.file.disk and not checked and len(stream.head) >= 4:
                checked = True
                if stream.head[:4] != b"KDMV":
                    stream.record.status = 500
                    return last_word(500)
    except Ended:
        stream.publish()
        return last_word(stream.record.status)
    except BaseException:
        if stream.size:
            stream.publish()
        raise
    stream.publish()
    keep(file, stream)
    return web.Response(status=stream.record.status)


def keep(file: LeaseFile, stream: Stream) -> None:
    """Lets the VM have what came."""
    kept = file.file
    # What comes after a whole disk is a delta of it, and neither of them alone is the disk.
    alone = kept.received is None or not kept.disk
    kept.stored = stream.stored if stream.stored.whole and alone else None
    kept.size, kept.received = stream.size, (stream.size, stream.record.sha1 or "")
    if kept.disk:
        kept.capacity = header_capacity(stream.head) or kept.capacity


def _refusal(request: web.Request, lease: Lease, file: LeaseFile, options: Options) -> int | None:
    """The status that refuses an upload as a host does; None if it is welcome."""
    if lease.kind != "import" or (request.method == "POST" and file.create):
        return 405
    if request.method == "PUT" and request.headers.get("Overwrite", "").lower() != "t":
        return 403
    if file.file.disk and request.content_type == OCTETS and not options.octet_stream:
        return 500
    framing = request.headers.get("Transfer-Encoding", "").lower()
    whole = request.content_length is not None and "chunked" not in framing
    return None if whole or options.chunked_uploads else 500
