"""What a server finds wrong with a descriptor, in its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nfclease.simulator import Simulator
from nfclease.simulator.inventory.property_values import is_of_type
from nfclease.simulator.soap.vsphere import vim, vmodl

from .support.calls import by_path, wait_for_task, wait_until
from .support.imports import descriptor, import_spec

_SECTION = '<x:Other xmlns:x="urn:x"{}><Info>Why</Info></x:Other>'.replace("Other", "OtherSection")
_PRODUCT = """\
    <ProductSection><Info/><Property ovf:key="n" ovf:type="uint8" ovf:userConfigurable="true"/>
    </ProductSection>
"""


@pytest.fixture
def text(service: Any, demo_vm: Any) -> str:
    return descriptor(service, demo_vm)


def line(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def sound(text: str, required: str = "") -> str:
    item = (
        f"<Item{required}><rasd:InstanceID>77</rasd:InstanceID>"
        "<rasd:ResourceType>35</rasd:ResourceType></Item>"
    )
    return text.replace("    </VirtualHardwareSection>", f"{item}</VirtualHardwareSection>")


@pytest.mark.parametrize(
    ("change", "part", "message"),
    [
        (
            lambda text: text.replace(">vmx-19<", ">virtualbox-2.2<"),
            "<vssd:VirtualSystemType>",
            "Unsupported hardware family 'virtualbox-2.2'.",
        ),
        (
            sound,
            "<rasd:InstanceID>77<",
            "OVF hardware element 'ResourceType' with instance ID '77': No support for the virtual"
            " hardware device type '35'.",
        ),
        (
            lambda text: text.replace("<NetworkSection", _SECTION.format("") + "<NetworkSection"),
            "<x:OtherSection",
            "Unsupported section 'OtherSection' (Why).",
        ),
        (
            lambda text: text.replace("VirtualHardwareSection", "VirtualHardware"),
            "<VirtualSystem ",
            "Missing child element 'VirtualHardwareSection'.",
        ),
        (
            lambda text: text.replace("</Envelope>", "</Wrong>"),
            "</Wrong>",
            "Could not parse the document: 'mismatched tag'.",
        ),
        (
            lambda text: text.replace(' ovf:href="disk-1.vmdk"', ""),
            'ovf:id="file2"',
            "Missing attribute 'href' on element 'File'.",
        ),
    ],
)
def test_an_error_names_its_line(
    service: Any, text: str, change: Callable[[str], str], part: str, message: str
) -> None:
    changed = change(text)
    made = import_spec(service, changed, "n")
    [error] = made.error
    assert error.msg == f"Line {line(changed, part)}: {message}"
    assert (made.importSpec, made.fileItem) == (None, [])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(">vmx-19<", ">xen-3, vmx-99 vmx-04\nvmx-11<"),
        lambda text: sound(text, ' ovf:required="false"'),
        lambda text: text.replace(
            "<NetworkSection", _SECTION.format(' ovf:required="false"') + "<NetworkSection"
        ),
    ],
)
def test_what_need_not_be_there_is_no_error(
    service: Any, text: str, change: Callable[[str], str]
) -> None:
    made = import_spec(service, change(text), "n")
    assert made.error == []
    assert made.importSpec.configSpec.version in ("vmx-11", "vmx-19")


def test_a_card_in_no_network_is_warned_of(service: Any, text: str) -> None:
    made = import_spec(service, text.replace(">VM Network<", ">None<"), "n")
    [warning] = made.warning
    assert isinstance(warning, vim.fault.OvfElementInvalidValue)
    assert warning.msg.endswith(": Invalid value 'None' for element 'Connection'.")


@pytest.mark.parametrize(("value", "accepted"), [("255", True), ("256", False), ("", False)])
def test_the_value_of_a_property_is_checked(
    service: Any, text: str, value: str, accepted: bool
) -> None:
    end = "    </VirtualHardwareSection>\n"
    text = text.replace(end, end + _PRODUCT)
    made = import_spec(service, text, "n", propertyMapping=[vim.KeyValue(key="n", value=value)])
    assert [type(one) for one in made.error] == ([] if accepted else [vim.fault.OvfPropertyValue])


def test_a_number_without_a_value_keeps_a_vm_off(service: Any, demo_vm: Any, text: str) -> None:
    end = "    </VirtualHardwareSection>\n"
    made = import_spec(service, text.replace(end, end + _PRODUCT), "unconfigured")
    lease = demo_vm.resourcePool.ImportVApp(made.importSpec, demo_vm.parent)
    wait_until(lambda: lease.state == "ready")
    vm = lease.info.entity
    lease.Complete()
    with pytest.raises(vim.fault.UnconfiguredPropertyValue, match="'n' must be configured"):
        wait_for_task(vm.PowerOnVM_Task())
    wait_for_task(vm.Destroy_Task())


def test_disks_of_a_hosted_product_are_refused_by_the_host(
    service: Any, demo_vm: Any, text: str
) -> None:
    made = import_spec(service, text, "hosted", diskProvisioning="monolithicSparse")
    lease = demo_vm.resourcePool.ImportVApp(made.importSpec, demo_vm.parent)
    wait_until(lambda: lease.state == "error")
    assert isinstance(lease.error, vim.fault.DeviceUnsupportedForVmPlatform)
    [error] = import_spec(service, text, "n", diskProvisioning="sparse").error
    assert "thick" in error.supportedDiskProvisioning


@pytest.mark.parametrize("method", ["CreateDescriptor", "CreateImportSpec"])
def test_findings_on_demand(
    simulator: Simulator, service: Any, demo_vm: Any, text: str, method: str
) -> None:
    def found() -> Any:
        if method == "CreateImportSpec":
            return import_spec(service, text, "n")
        params = vim.OvfManager.CreateDescriptorParams()
        return service.content.ovfManager.CreateDescriptor(demo_vm, params)

    name = "vim.fault.OvfUnknownDevice"
    simulator.inject("ovf_warning", method=method, fault=name, message="odd", count=1)
    made = found()
    assert [one.msg for one in made.warning] == ["odd"]
    assert made.error == []
    simulator.inject("ovf_error", method=method, count=1)
    made = found()
    assert [type(one) for one in made.error] == [vim.fault.OvfInternalError]
    assert not getattr(made, "importSpec", None)
    assert not getattr(made, "ovfDescriptor", None)


def test_how_a_file_is_packed_is_written(service: Any, demo_vm: Any) -> None:
    key = f"/{demo_vm._moId}/ParaVirtualSCSIController0:0"
    file = vim.OvfManager.OvfFile(
        deviceId=key, path="d", size=0, compressionMethod="gzip", chunkSize=4096
    )
    text = descriptor(service, demo_vm, ovfFiles=[file])
    assert 'ovf:href="d" ovf:size="0" ovf:compression="gzip" ovf:chunkSize="4096"/>' in text


def test_what_nothing_here_does_is_not_found(service: Any, demo_vm: Any) -> None:
    for call in (demo_vm.MarkAsTemplate, by_path(service, "vm/demo-vapp").SuspendVApp_Task):
        with pytest.raises(vmodl.fault.MethodNotFound) as caught:
            call()
        assert caught.value.receiver is not None


@pytest.mark.parametrize(
    ("kind", "qualifiers", "value", "expected"),
    [
        ("string", "", "", True),
        ("string", "MinLen(1) MaxLen(3)", "", False),
        ("string", "MinLen(1),MaxLen(3)", "abc", True),
        ("string", "MaxLen(3)", "abcd", False),
        ("string", 'ValueMap{"a","b"}', "b", True),
        ("string", 'ValueMap{"a","b"}', "c", False),
        ("sint8", "", "-128", True),
        ("sint8", "", "128", False),
        ("int", "", "٣", False),
        ("boolean", "", "True", True),
        ("boolean", "", "1", False),
        ("real32", "", "1.5e3", True),
        ("real64", "", "x", False),
        ("ip", "", "::1", True),
        ("ip:network", "", "10.0.0.256", False),
    ],
)
def test_types_of_properties(kind: str, qualifiers: str, value: str, expected: bool) -> None:
    assert is_of_type(kind, qualifiers, value) == expected
