"""Leases of vcsim."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from ..support.waiting import wait_for

OVF = """<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
    xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
  <References><File ovf:id="file1" ovf:href="disk.vmdk" ovf:size="{size}"/></References>
  <DiskSection><Info/>
    <Disk ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:capacity="{size}"/>
  </DiskSection>
  <VirtualSystem ovf:id="imported"><Info/><Name>imported</Name>
    <OperatingSystemSection ovf:id="1"><Info/></OperatingSystemSection>
    <VirtualHardwareSection><Info/>
      <System><vssd:ElementName>hardware</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType></System>
      <Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ElementName>cpu</rasd:ElementName>
        <rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
      <Item><rasd:InstanceID>2</rasd:InstanceID><rasd:ElementName>memory</rasd:ElementName>
        <rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>32</rasd:VirtualQuantity></Item>
      <Item><rasd:InstanceID>3</rasd:InstanceID><rasd:ElementName>scsi</rasd:ElementName>
        <rasd:ResourceType>6</rasd:ResourceType>
        <rasd:ResourceSubType>lsilogic</rasd:ResourceSubType></Item>
      <Item><rasd:InstanceID>4</rasd:InstanceID><rasd:ElementName>disk</rasd:ElementName>
        <rasd:ResourceType>17</rasd:ResourceType><rasd:Parent>3</rasd:Parent>
        <rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource>
        <rasd:AddressOnParent>0</rasd:AddressOnParent></Item>
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>"""


def first_machine(service: vim.ServiceInstance) -> Any:
    [datacenter] = service.content.rootFolder.childEntity
    return datacenter.vmFolder.childEntity[0]


def import_spec(service: Any, name: str, size: int) -> tuple[Any, Any]:
    """The pool of an import of one disk, and the specification of it."""
    machine = first_machine(service)
    params: Any = vim.OvfManager.CreateImportSpecParams
    spec = service.content.ovfManager.CreateImportSpec(
        OVF.format(size=size), machine.resourcePool, machine.datastore[0], params(entityName=name)
    )
    assert not spec.error
    return machine.resourcePool, spec


def export_lease(service: Any) -> Any:
    """Of a snapshot: vcsim has no other export."""
    machine = first_machine(service)
    task = machine.CreateSnapshot_Task("export", "", memory=False, quiesce=False)
    wait_for(lambda: task.info.state == vim.TaskInfo.State.success, 10)
    return task.info.result.ExportSnapshot()
