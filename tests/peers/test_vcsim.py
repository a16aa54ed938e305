"""nfclease against vcsim, a server that nobody here wrote.

vcsim lacks ExportVm, sums of exports and leases that expire: those are tested with the simulator.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from nfclease import LimitExceededError, ManifestError

from ..support.faces import OpenLease
from ..support.inventory import unique
from ..support.leases import whole_disk
from .leases import export_lease, import_spec
from .run import Vcsim


@pytest.fixture
def service(vcsim: Vcsim) -> Iterator[vim.ServiceInstance]:
    with vcsim.connect() as session:
        yield session


@pytest.mark.parametrize("kind", ["path", "bytes", "file object"])
def test_import_has_equal_sums(
    open_lease: OpenLease, service: Any, tmp_path: Path, kind: str
) -> None:
    data = whole_disk(2 << 20)
    path = tmp_path / "disk.vmdk"
    path.write_bytes(data)
    pool, spec = import_spec(service, unique("imported"), len(data))
    with open_lease(pool.ImportVApp(spec.importSpec)) as lease:
        lease.wait_ready(10)
        [item] = spec.fileItem
        if kind == "path":
            result = lease.upload(item, path)
        elif kind == "bytes":
            result = lease.upload(item, data)
        else:
            with path.open("rb") as file:
                result = lease.upload(item, file)
        [entry] = lease.GetManifest()
    assert result.verified == "manifest"
    assert result.checksum == entry.sha1 == hashlib.sha1(data).hexdigest()
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        _ = lease.state  # vcsim forgets a completed lease


def test_export_of_a_snapshot(
    open_lease: OpenLease, service: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "nfclease")
    with open_lease(export_lease(service), verify_format=False) as lease:
        [result] = [
            lease.download(url, tmp_path / url.targetId) for url in lease.wait_ready(10).deviceUrl
        ]
    assert result.verified == "stream"
    assert hashlib.sha1((tmp_path / result.name).read_bytes()).hexdigest() == result.checksum
    assert len([r for r in caplog.records if "has no checksum" in r.getMessage()]) == 1


def test_a_manifest_can_be_required(open_lease: OpenLease, service: Any, tmp_path: Path) -> None:
    lease = open_lease(export_lease(service), require_manifest=True)
    with lease, pytest.raises(ManifestError):
        lease.download(lease.wait_ready(10).deviceUrl[0], tmp_path / "disk.vmdk")
    assert list(tmp_path.iterdir()) == []


def test_disks_without_a_capacity_have_a_limit(
    open_lease: OpenLease, service: Any, tmp_path: Path
) -> None:
    lease = open_lease(export_lease(service), max_unannounced_size=1 << 20)
    with pytest.raises(LimitExceededError, match="max_unannounced_size"), lease:
        info = lease.wait_ready(10)
        assert not info.totalDiskCapacityInKB
        lease.download(info.deviceUrl[0], tmp_path / "disk.vmdk")
    assert list(tmp_path.iterdir()) == []


def test_star_host_of_a_single_host(open_lease: OpenLease, tmp_path: Path) -> None:
    with (
        Vcsim(esx=True) as host,
        host.connect() as service,
        open_lease(export_lease(service)) as lease,
    ):
        [device_url] = lease.wait_ready(10).deviceUrl
        assert "//*/" in device_url.url
        assert lease.download(device_url, tmp_path / "disk.vmdk").bytes > 1 << 20


def test_plain_http_session(open_lease: OpenLease, tmp_path: Path) -> None:
    with (
        Vcsim(tls=False) as host,
        host.connect() as service,
        open_lease(export_lease(service)) as lease,
    ):
        lease.wait_ready(10)
        assert len(lease.download_all(tmp_path)) == 1


def test_many_leases_are_kept_alive_by_one_thread(open_lease: OpenLease, service: Any) -> None:
    def keep_alive_threads() -> int:
        names = [Path(f"/proc/self/task/{task}/comm") for task in os.listdir("/proc/self/task")]
        return sum(name.read_text().startswith("nfclease-keep") for name in names)

    leases = [open_lease(export_lease(service)) for _ in range(20)]
    try:
        assert {lease.wait_ready(10).leaseTimeout for lease in leases} == {300}
        assert keep_alive_threads() == 1
        assert {str(lease.state) for lease in leases} == {"ready"}
    finally:
        for lease in leases:
            lease.Abort()
    for lease in leases:
        with pytest.raises(vmodl.fault.ManagedObjectNotFound):
            _ = lease.state
