"""Descriptors and appliances that VMware's own tools made are imported."""

from __future__ import annotations

import hashlib
import io
import tarfile
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from nfclease.simulator import Simulator
from nfclease.simulator.soap.vsphere import vim

from ..support.genuine import govmomi_descriptors, pyvcloud_ova
from .support.calls import disks, manifest, ready, request, wait_for_task
from .support.imports import CREATE, VMDK, import_spec, url_of

_ENVELOPE = "{http://schemas.dmtf.org/ovf/envelope/1}Envelope"
#: Made by real tools, and each refused once.
REAL = (
    "disk-capacity-property.ovf",
    "multiple_disks.ovf",
    "uber.ovf",
    "external/SimpleVm_with_vgpu.ovf",
    "external/VM_with_nvram/newVM-with-nvram.ovf",
    "external/win19/win19.ovf",
    "external/ovf_with_policy/Ovf_with_policy_onHost/descriptor.ovf",
    "external/ovf_extra_config/Nested-ESXi-3-Node-VSAN-Template.ovf",
    "vmware/Vcf-License-Server-9.1.0.0.25262073.ovf",
)


def members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {}
        for entry in tar:
            member = tar.extractfile(entry)
            assert member is not None
            found[entry.name] = member.read()
        return found


@pytest.mark.parametrize("name", ["yVM_OS_with_VMTools.ova", "test_vapp_template.ova"])
def test_a_real_appliance_is_imported_and_exported(
    simulator: Simulator, service: Any, demo_vm: Any, name: str
) -> None:
    package = members(pyvcloud_ova(name))
    text = next(data for path, data in package.items() if path.endswith(".ovf")).decode()
    spec = import_spec(service, text, f"real-{name}")
    assert not spec.error
    lease = ready(demo_vm.resourcePool.ImportVApp(spec.importSpec, demo_vm.parent))
    for item in spec.fileItem:
        method, headers = ("PUT", CREATE) if item.create else ("POST", VMDK)
        data, url = package[item.path], url_of(lease, item)
        assert request(method, url.url, data, headers)[0].status in (200, 201)
        assert manifest(lease)[url.key].sha1 == hashlib.sha1(data).hexdigest()
    made = lease.info.entity
    lease.Complete()
    machines = made.vm if isinstance(made, vim.VirtualApp) else [made]
    assert all(vm.summary.config.numVirtualDisks for vm in machines)
    export = made.ExportVApp if isinstance(made, vim.VirtualApp) else made.ExportVm
    again = ready(export())
    assert len(disks(again)) == sum(vm.summary.config.numVirtualDisks for vm in machines)
    again.Complete()
    for vm in machines:
        wait_for_task(vm.Destroy_Task())


def test_a_chunked_appliance_is_described(service: Any) -> None:
    package = members(pyvcloud_ova("template_with_custom_chunk_size.ova"))
    text = next(data for path, data in package.items() if path.endswith(".ovf")).decode()
    [item] = import_spec(service, text, "chunked").fileItem
    assert item.chunkSize == 40960


@pytest.mark.parametrize("part", range(8))
def test_descriptors_of_all_kinds(service: Any, part: int) -> None:
    accepted: set[str] = set()
    refused: dict[str, Any] = {}
    files = list(govmomi_descriptors().items())[part::8]
    descriptors = [(name, path.read_bytes()) for name, path in files]
    for path, data in descriptors:
        try:
            if ET.fromstring(data).tag != _ENVELOPE:
                continue  # of a version before 1.0
        except ET.ParseError:
            continue
        spec = import_spec(service, data.decode(), f"of-{part}-{len(accepted)}")
        assert bool(spec.error) != bool(spec.importSpec), path
        if spec.error:
            refused[path] = spec.error[0]
        else:
            accepted.add(path)
    assert {path for path, _ in descriptors} & set(REAL) <= accepted
    assert [path for path, e in refused.items() if not isinstance(e, vim.fault.OvfFault)] == []
    assert len(accepted) > 4 * len(refused)
