"""The peers themselves: without these working, no test against them says anything."""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pyVmomi import vim

from ..support.clock import Stopwatch
from ..support.waiting import wait_for
from .build import build
from .leases import export_lease, import_spec
from .run import Vcsim, govc


@pytest.fixture
def service(vcsim: Vcsim) -> Iterator[vim.ServiceInstance]:
    with vcsim.connect() as session:
        yield session


def http(vcsim: Vcsim, url: str, data: bytes | None = None) -> bytes:
    # A single host says "*" where the client shall put the name that it knows.
    request = urllib.request.Request(url.replace("*", f"{vcsim.host}:{vcsim.port}"), data=data)
    with urllib.request.urlopen(request, context=vcsim.ssl_context) as response:
        body: bytes = response.read()
        return body


def ready(lease: Any) -> Any:
    wait_for(lambda: lease.state == vim.HttpNfcLease.State.ready, 10)
    return lease


def import_lease(service: vim.ServiceInstance, name: str, size: int) -> Any:
    pool, spec = import_spec(service, name, size)
    lease = ready(pool.ImportVApp(spec.importSpec))
    assert lease.info.deviceUrl[0].importKey == spec.fileItem[0].deviceId
    return lease


def test_build_is_a_fast_no_op_when_nothing_changed() -> None:
    build()
    clock = Stopwatch()
    build()
    assert clock.seconds() < 0.5


def test_vcsim_is_a_vcenter(service: vim.ServiceInstance) -> None:
    assert service.content.about.apiType == "VirtualCenter"


@pytest.mark.parametrize("tls", [True, False])
def test_vcsim_can_be_a_host(tls: bool) -> None:
    with Vcsim(esx=True, tls=tls, machines=2) as host, host.connect() as service:
        assert service.content.about.apiType == "HostAgent"
        lease = ready(export_lease(service))
        [device_url] = lease.info.deviceUrl
        assert "//*/" in device_url.url
        assert http(host, device_url.url).startswith(b"KDMV")


def test_the_thumbprints_are_those_of_the_served_certificate(vcsim: Vcsim) -> None:
    der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((vcsim.host, vcsim.port)))
    assert vcsim.sha1 is not None
    assert vcsim.sha256 is not None
    assert vcsim.sha1.replace(":", "").lower() == hashlib.sha1(der).hexdigest()
    assert vcsim.sha256.replace(":", "").lower() == hashlib.sha256(der).hexdigest()


def test_a_snapshot_lease_serves_a_stream_optimized_disk(
    vcsim: Vcsim, service: vim.ServiceInstance
) -> None:
    lease = ready(export_lease(service))
    [device_url] = lease.info.deviceUrl
    assert device_url.disk
    body = http(vcsim, device_url.url)
    assert len(body) > 1 << 20
    assert len(body) % 512 == 0
    assert body.startswith(b"KDMV")
    assert body[-1024:-1020] == b"KDMV"  # the footer
    assert not any(body[-512:])  # the end-of-stream marker
    lease.HttpNfcLeaseComplete()


def test_an_import_lease_sums_what_was_uploaded(vcsim: Vcsim, service: vim.ServiceInstance) -> None:
    disk = os.urandom(1 << 20)
    lease = import_lease(service, "imported", len(disk))
    [device_url] = lease.info.deviceUrl
    http(vcsim, device_url.url, disk)
    [entry] = lease.HttpNfcLeaseGetManifest()
    assert entry.key == device_url.key
    assert entry.size == len(disk)
    assert entry.sha1 == hashlib.sha1(disk).hexdigest()
    lease.HttpNfcLeaseComplete()


def test_uploads_may_end_at_the_same_time(vcsim: Vcsim, service: vim.ServiceInstance) -> None:
    lease = import_lease(service, "at-once", 1)
    [device_url] = lease.info.deviceUrl
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda data: http(vcsim, device_url.url, data), [b"x"] * 200))
    [entry] = lease.HttpNfcLeaseGetManifest()
    assert entry.size == 1
    lease.HttpNfcLeaseAbort()


def test_govc_logs_in(vcsim: Vcsim) -> None:
    run = govc("about", "-json", env=vcsim.govc_env)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["about"]["apiType"] == "VirtualCenter"


def test_govc_has_the_commands_of_a_lease(vcsim: Vcsim) -> None:
    run = govc("find", "-type", "m", env=vcsim.govc_env)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip()
    for command in ("export.ovf", "import.ovf", "import.ova", "snapshot.create", "vm.info"):
        assert govc(command, "-h", env={}).returncode == 0


def test_a_server_ends_with_its_block() -> None:
    with Vcsim() as server:
        address = (server.host, server.port)
    with pytest.raises(ConnectionRefusedError):
        ssl.get_server_certificate(address)
