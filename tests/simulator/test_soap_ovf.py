"""Descriptors: those that are written can be read, and those that are broken are refused."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from pyVmomi import vim

from ..support.inventory import find
from .support.calls import ready
from .support.imports import descriptor, import_spec

_OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
_VMW = "{http://www.vmware.com/schema/ovf}"
_RASD = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}"


@pytest.fixture
def machine(service: Any) -> Any:
    return find(service, vim.VirtualMachine, "demo-vm")


@pytest.fixture
def described(service: Any, machine: Any) -> str:
    """A descriptor with a size for each file."""
    text = descriptor(service, machine, name="x", includeImageFiles=True)
    return text.replace("ovf:href=", 'ovf:size="5" ovf:href=')


def test_a_descriptor_says_what_it_was_given(service: Any, machine: Any) -> None:
    lease = ready(machine.ExportVm())
    files = [
        vim.OvfManager.OvfFile(deviceId=url.key, path=f"f-{number}", size=1000 + number)
        for number, url in enumerate(lease.info.deviceUrl)
    ]
    capacities = [
        device.capacityInBytes
        for device in machine.config.hardware.device
        if isinstance(device, vim.vm.device.VirtualDisk)
    ]
    disks = sum(bool(url.disk) for url in lease.info.deviceUrl)
    lease.Complete()
    title = 'a&b "c" <d>'
    root = ET.fromstring(descriptor(service, machine, name=title, ovfFiles=files))
    listed = root.findall(f"{_OVF}References/{_OVF}File")
    assert [(f.get(f"{_OVF}href"), f.get(f"{_OVF}size")) for f in listed] == [
        (file.path, str(file.size)) for file in files
    ]
    sections = root.findall(f"{_OVF}DiskSection/{_OVF}Disk")
    assert len(sections) == disks
    assert [int(disk.get(f"{_OVF}capacity", "0")) for disk in sections] == capacities
    assert all("streamOptimized" in disk.get(f"{_OVF}format", "") for disk in sections)
    assert root.findtext(f"{_OVF}VirtualSystem/{_OVF}Name") == title
    kinds = [item.text for item in root.iter(f"{_RASD}ResourceType")]
    assert kinds.count("17") == disks
    assert {"3", "4", "6", "10", "15"} <= set(kinds)
    nvram = [e.get(f"{_VMW}value") for e in root.iter(f"{_VMW}ExtraConfig")]
    assert nvram == [f"ovf:/file/{listed[-1].get(f'{_OVF}id')}"]


def test_the_list_of_files_is_positive(service: Any, machine: Any) -> None:
    lease = ready(machine.ExportVm())
    [first, *_] = [url for url in lease.info.deviceUrl if url.disk]
    lease.Complete()
    one = vim.OvfManager.OvfFile(deviceId=first.key, path="only.vmdk", size=7)
    root = ET.fromstring(descriptor(service, machine, ovfFiles=[one]))
    assert len(root.findall(f"{_OVF}References/{_OVF}File")) == 1
    one.deviceId = "/vm-0/nothing"
    made = service.content.ovfManager.CreateDescriptor(
        machine, vim.OvfManager.CreateDescriptorParams(ovfFiles=[one])
    )
    assert made.error
    assert not made.ovfDescriptor


def test_a_vapp_is_described_and_read(service: Any) -> None:
    text = descriptor(service, find(service, vim.VirtualApp, "demo-vapp"))
    result = import_spec(service, text, "other-vapp")
    assert isinstance(result.importSpec, vim.vApp.VAppImportSpec)
    params = vim.OvfManager.ParseDescriptorParams(locale="", deploymentOption="")
    parsed = service.content.ovfManager.ParseDescriptor(text, params)
    assert (parsed.virtualApp, parsed.defaultEntityName) == (True, "demo-vapp")
    assert [network.name for network in parsed.network] == ["VM Network"]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('ovf:size="5"', 'ovf:size="abc"', vim.fault.OvfInvalidValue),
        ('ovf:size="5"', 'ovf:size="-5"', vim.fault.OvfInvalidValue),
        ('ovf:size="5"', 'ovf:size="' + "9" * 30 + '"', vim.fault.OvfInvalidValue),
        ('ovf:size="5"', 'ovf:chunkSize="x"', vim.fault.OvfInvalidValue),
        ('ovf:capacity="', 'ovf:capacity="x', vim.fault.OvfInvalidValue),
        ('Units="byte"', 'Units="byte * 2^99"', vim.fault.OvfInvalidValue),
        ('fileRef="file', 'fileRef="nofile', vim.fault.OvfInvalidValue),
        ("ovf:/disk/", "ovf:/disk/no", vim.fault.OvfInvalidValue),
        ("ovf:/file/", "ovf:/file/no", vim.fault.OvfInvalidValue),
        ("ResourceType>17<", "ResourceType>abc<", vim.fault.OvfInvalidValue),
        ('ovf:id="file1"', "", vim.fault.OvfMissingAttribute),
        ("VirtualSystem>", "Virtual>", vim.fault.OvfXmlFormat),
        ("VirtualHardwareSection", "Section", vim.fault.OvfMissingElement),
    ],
)
def test_a_broken_descriptor_is_refused(
    service: Any, described: str, old: str, new: str, fault: Any
) -> None:
    assert old in described
    result = import_spec(service, described.replace(old, new), "n")
    assert [type(error) for error in result.error] == [fault]
    assert result.importSpec is None


@pytest.mark.parametrize("text", ["", "hello", "<a/>", "<!DOCTYPE x []><Envelope/>"])
def test_what_is_no_descriptor_is_refused(service: Any, text: str) -> None:
    result = import_spec(service, text, "n")
    assert isinstance(result.error[0], vim.fault.OvfFault)


def test_damage_is_never_an_error_of_the_server(service: Any, described: str) -> None:
    chance = random.Random(1)
    for _ in range(200):
        text = list(described)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text))
            if chance.random() < 0.5:
                del text[at : at + chance.randint(1, 40)]
            else:
                text[at] = chance.choice(["<", '"', "&", "9" * 30, "<x/>"])
        result = import_spec(service, "".join(text), "n")
        assert bool(result.error) != bool(result.importSpec)
