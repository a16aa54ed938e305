"""What an import chooses: networks, properties, a deployment option, the kind of disks."""

from __future__ import annotations

from typing import Any

import pytest

from nfclease.simulator.soap.vsphere import vim, vmodl

from .support.calls import by_path, ready
from .support.imports import descriptor, import_spec

_PRODUCT = """\
    <ProductSection ovf:class="com.example" ovf:instance="1">
      <Info>The product</Info>
      <Product>Appliance &amp; more</Product>
      <Vendor>Example</Vendor>
      <Version>1.2</Version>
      <Category>Network</Category>
      <Property ovf:key="hostname" ovf:type="string" ovf:userConfigurable="true" ovf:value="a">
        <Label>Host name</Label>
        <Description>Its name</Description>
      </Property>
      <Property ovf:key="fixed" ovf:type="string" ovf:userConfigurable="false" ovf:value="f"/>
      <Property ovf:key="memory" ovf:type="int" ovf:userConfigurable="true" ovf:value="512"/>
    </ProductSection>
"""
_OPTIONS = """\
  <DeploymentOptionSection>
    <Info>Sizes</Info>
    <Configuration ovf:id="small"><Label>Small</Label><Description>s</Description></Configuration>
    <Configuration ovf:id="big" ovf:default="true"><Label>Big</Label></Configuration>
  </DeploymentOptionSection>
"""
_CPU = "<rasd:ResourceType>3</rasd:ResourceType>"


@pytest.fixture
def text(service: Any, demo_vm: Any) -> str:
    plain = descriptor(service, demo_vm)
    end = "    </VirtualHardwareSection>\n"
    return plain.replace(end, end + _PRODUCT)


def imported(demo_vm: Any, spec: Any) -> Any:
    assert not spec.error
    lease = ready(demo_vm.resourcePool.ImportVApp(spec.importSpec, demo_vm.parent))
    return lease, lease.info.entity


def test_networks_are_mapped(service: Any, demo_vm: Any, text: str) -> None:
    other = by_path(service, "network/Lab Network")
    mapping = vim.OvfManager.NetworkMapping
    given = [mapping(name="VM Network", network=other), mapping(name="none", network=other)]
    spec = import_spec(service, text, "mapped", networkMapping=given)
    assert [w.invalidProperty for w in spec.warning] == ["cisp.networkMapping(none)"]
    lease, vm = imported(demo_vm, spec)
    assert vm.network == [other]
    assert '<Network ovf:name="Lab Network"/>' in descriptor(service, vm)
    lease.Abort()


def test_properties_are_mapped_and_kept(service: Any, demo_vm: Any, text: str) -> None:
    pairs = {"com.example.hostname.1": "b", "com.example.fixed.1": "g", "com.example.none": "x"}
    given = [vim.KeyValue(key=key, value=value) for key, value in pairs.items()]
    text = text.replace(
        "<rasd:VirtualQuantity>1024<", "<rasd:VirtualQuantity>${com.example.memory.1}<"
    )
    spec = import_spec(service, text, "with-properties", propertyMapping=given)
    assert [w.invalidProperty for w in spec.warning] == [
        "cisp.propertyMapping(com.example.fixed.1)",
        "cisp.propertyMapping(com.example.none)",
    ]
    lease, vm = imported(demo_vm, spec)
    config = vm.config.vAppConfig
    [product] = config.product
    assert (product.name, product.vendor, product.version) == ("Appliance & more", "Example", "1.2")
    assert vm.summary.config.product.name == product.name
    values = {one.id: one.value or one.defaultValue for one in config.property}
    assert values == {"hostname": "b", "fixed": "f", "memory": "512"}
    assert vm.config.hardware.memoryMB == 512
    written = descriptor(service, vm)
    lease.Abort()
    params = vim.OvfManager.ParseDescriptorParams(locale="", deploymentOption="")
    parsed = service.content.ovfManager.ParseDescriptor(written, params)
    assert parsed.productInfo.name == "Appliance & more"
    assert {one.id: one.defaultValue for one in parsed.property} == values
    assert [one.category for one in parsed.property] == ["Network"] * 3


@pytest.mark.parametrize(("option", "cpus"), [("", 8), ("big", 8), ("small", 2)])
def test_a_deployment_option(service: Any, demo_vm: Any, text: str, option: str, cpus: int) -> None:
    start = text.rindex("<Item>", 0, text.index(_CPU))
    end = text.index("</Item>", start) + len("</Item>")
    item = text[start:end]
    sizes = "".join(
        item.replace("<Item>", f'<Item ovf:configuration="{name}">').replace(
            "VirtualQuantity>1<", f"VirtualQuantity>{number}<"
        )
        for name, number in (("small", 2), ("big", 8))
    )
    text = text.replace(item, sizes).replace("  <VirtualSystem ", f"{_OPTIONS}  <VirtualSystem ")
    spec = import_spec(service, text, f"option-{option}", deploymentOption=option)
    assert spec.importSpec.configSpec.numCPUs == cpus
    params = vim.OvfManager.ParseDescriptorParams(locale="", deploymentOption="")
    parsed = service.content.ovfManager.ParseDescriptor(text, params)
    assert [one.key for one in parsed.deploymentOption] == ["small", "big"]
    assert parsed.defaultDeploymentOption == "big"
    assert import_spec(service, text, "n", deploymentOption="huge").error


@pytest.mark.parametrize(
    ("kind", "thin", "scrubbed"),
    [("thin", True, None), ("thick", False, None), ("eagerZeroedThick", False, True)],
)
def test_the_kind_of_disks(
    service: Any, demo_vm: Any, text: str, kind: str, thin: bool, scrubbed: bool | None
) -> None:
    spec = import_spec(service, text, f"disks-{kind}", diskProvisioning=kind)
    lease, vm = imported(demo_vm, spec)
    backings = [d.backing for d in vm.config.hardware.device if hasattr(d, "capacityInKB")]
    assert {(b.thinProvisioned, b.eagerlyScrub) for b in backings} == {(thin, scrubbed)}
    lease.Abort()


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        ({"diskProvisioning": "glass"}, vim.fault.OvfUnsupportedDiskProvisioning),
        ({"resourceMapping": [vim.OvfManager.ResourceMap(source="x")]}, vmodl.fault.NotSupported),
    ],
)
def test_what_is_not_followed_is_refused(service: Any, text: str, params: Any, fault: Any) -> None:
    spec = import_spec(service, text, "n", **params)
    assert [type(error) for error in spec.error] == [fault]
    assert spec.importSpec is None


def test_a_capacity_that_a_property_says(service: Any, demo_vm: Any, text: str) -> None:
    size = text.index('ovf:capacity="') + len('ovf:capacity="')
    text = text[:size] + "${memory}" + text[text.index('"', size) :]
    text = text.replace('Units="byte"', 'Units="byte * 2^20"', 1)
    given = [vim.KeyValue(key="com.example.memory.1", value="96")]
    spec = import_spec(service, text, "sized", propertyMapping=given)
    disks = [c.device for c in spec.importSpec.configSpec.deviceChange if c.fileOperation]
    assert disks[0].capacityInBytes == 96 << 20


def test_the_products_of_a_vapp(service: Any, demo_vm: Any) -> None:
    vapp = by_path(service, "vm/demo-vapp")
    text = descriptor(service, vapp)
    name = "    <Name>demo-vapp</Name>\n"
    spec = import_spec(service, text.replace(name, name + _PRODUCT), "other-vapp")
    lease, made = imported(demo_vm, spec)
    assert [one.name for one in made.vAppConfig.product] == ["Appliance & more"]
    assert "<Product>Appliance &amp; more</Product>" in descriptor(service, made)
    lease.Abort()


def test_a_vapp_in_a_vapp_is_refused(service: Any) -> None:
    text = descriptor(service, by_path(service, "vm/demo-vapp"))
    start = text.index("  <VirtualSystem ")
    inner = f'<VirtualSystemCollection ovf:id="in"><Info/>{text[start:]}'.replace("</Envelope>", "")
    spec = import_spec(service, text[:start] + inner + text[start:], "n")
    assert isinstance(spec.error[0], vim.fault.OvfUnsupportedElement)
