"""What a lease answers."""

from __future__ import annotations

import asyncio
from typing import Any

from nfclease.simulator.lease.lease import Lease
from nfclease.simulator.lease.pulling import probe, pull
from nfclease.simulator.lease.view import manifest_entry
from nfclease.simulator.registry import Call, handles
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.soap.vsphere import fault, vim

_State: Any = vim.HttpNfcLease.State


@handles(vim.HttpNfcLease, "HttpNfcLeaseProgress")
async def progress(lease: Lease, call: Call) -> None:
    """Renews the lease; any percent is taken as it is."""
    lease.refuse_unless(_State.ready, _State.initializing)
    lease.percent = lease.task.progress = call.arg("percent", 0)
    if lease.state == _State.ready:
        lease.renew()
    lease.world.touch()


@handles(vim.HttpNfcLease, "HttpNfcLeaseComplete")
async def complete(lease: Lease, call: Call) -> None:
    """Ends it well."""
    lease.refuse_unless(_State.ready)
    lease.end(_State.done)


@handles(vim.HttpNfcLease, "HttpNfcLeaseAbort")
async def abort(lease: Lease, call: Call) -> None:
    """Ends it in error."""
    lease.refuse_unless(_State.ready, _State.initializing)
    lease.end(_State.error, call.arg("fault") or fault("vmodl.fault.RequestCanceled"))


@handles(vim.HttpNfcLease, "HttpNfcLeaseGetManifest")
async def get_manifest(lease: Lease, call: Call) -> Any:
    """The sums of what was really sent or received."""
    lease.refuse_unless(_State.ready)
    if lease.world.faults.take("no_manifest", {"lease": lease.moid}) is not None:
        return []
    return [
        entry
        for file in (lease.content.files if lease.content else [])
        if file.sums is not None and (entry := manifest_entry(lease, file)) is not None
    ]


@handles(vim.HttpNfcLease, "HttpNfcLeaseSetManifestChecksumType")
async def set_manifest_checksum_type(lease: Lease, call: Call) -> None:
    """Says which digest the manifest is to have, for each device."""
    lease.refuse_unless(_State.ready)
    files = {file.key: file for file in (lease.content.files if lease.content else [])}
    for pair in call.arg("deviceUrlsToChecksumTypes", []):
        if pair.key not in files or pair.value not in ("sha1", "sha256"):
            raise fault("vmodl.fault.InvalidArgument", invalidProperty="deviceUrlsToChecksumTypes")
        files[pair.key].checksum_type = pair.value


@handles(vim.HttpNfcLease, "HttpNfcLeasePullFromUrls_Task")
async def pull_from_urls(lease: Lease, call: Call) -> Any:
    """Fetches files from other servers."""
    lease.refuse_unless(_State.ready)
    files = call.arg("files", [])
    if not files:
        raise fault("vmodl.fault.InvalidArgument", invalidProperty="files")
    task = Task(lease.world, call.method, lease.content.entity if lease.content else None)
    lease.mode = "pull"

    async def work() -> None:
        await pull(lease, task, files)

    return task.run(work)


@handles(vim.HttpNfcLease, "HttpNfcLeaseProbeUrls")
async def probe_urls(lease: Lease, call: Call) -> Any:
    """Tells which sources can be reached."""
    lease.refuse_unless(_State.ready)
    files = call.arg("files", [])
    if not files:
        raise fault("vmodl.fault.InvalidArgument", invalidProperty="files")
    seconds = call.arg("timeout") or 10
    return await asyncio.gather(*(probe(file, seconds) for file in files))
