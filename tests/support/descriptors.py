"""Descriptors of OVF packages, by hand: a usual one, and what tests change in it."""

from __future__ import annotations

OVF = "http://schemas.dmtf.org/ovf/envelope/1"
OVF_09 = "http://www.vmware.com/schema/ovf/1/envelope"

FILE = '<File ovf:id="file1" ovf:href="disk.vmdk" ovf:size="68096"/>'
STREAM = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
DISK = (
    '<Disk ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:capacity="1" '
    f'ovf:capacityAllocationUnits="byte * 2^20" ovf:format="{STREAM}"/>'
)


def _item(kind: int, text: str) -> str:
    return f"<Item>{text}<rasd:ResourceType>{kind}</rasd:ResourceType></Item>"


HARDWARE = f"""<VirtualHardwareSection><Info>hw</Info>
      <System><vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>
      {_item(3, "<rasd:VirtualQuantity>2</rasd:VirtualQuantity>")}
      {
    _item(
        4,
        "<rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>"
        "<rasd:VirtualQuantity>64</rasd:VirtualQuantity>",
    )
}
      {_item(17, "<rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource>")}
      {_item(10, "<rasd:Connection>VM Network</rasd:Connection>")}
    </VirtualHardwareSection>"""
OPERATING_SYSTEM = (
    '<OperatingSystemSection ovf:id="101"><Info>os</Info><Description>Linux</Description>'
    "</OperatingSystemSection>"
)


def descriptor(
    *,
    files: str = FILE,
    disks: str = DISK,
    sections: str = "",
    inside: str = "",
    name: str = "demo",
    namespace: str = OVF,
    prefix: str = "ovf",
    head: str = '<?xml version="1.0" encoding="UTF-8"?>\n',
) -> str:
    """A descriptor of one VM; `sections` go before the VM, `inside` into it."""
    text = f"""<Envelope xmlns="{namespace}" xmlns:ovf="{namespace}"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
  <References>{files}</References>
  <DiskSection><Info>Disks</Info>{disks}</DiskSection>
  <NetworkSection><Info>n</Info>
    <Network ovf:name="VM Network"><Description>d</Description></Network></NetworkSection>
  {sections}
  <VirtualSystem ovf:id="demo"><Info>A VM</Info><Name>{name}</Name>
    {OPERATING_SYSTEM}
    {inside}
    {HARDWARE}
  </VirtualSystem>
</Envelope>
"""
    return head + text.replace(" ovf:", f" {prefix}:").replace("xmlns:ovf=", f"xmlns:{prefix}=")
