"""From the hardware items of a descriptor to a ConfigSpec."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.inventory import devices
from nfclease.simulator.inventory.names import entity_name
from nfclease.simulator.ovf import checks, products
from nfclease.simulator.ovf.model import Descriptor, File, Item, System
from nfclease.simulator.soap.vsphere import fault, vim

_CONTROLLERS = (5, 6, 20)  # IDE, SCSI, SATA


def config_spec(read: Descriptor, system: System, name: str, params: Any) -> Any:
    """The ConfigSpec of one VirtualSystem.

    Raises:
        vim.fault.OvfInvalidValue: An item names a file or disk that is not there.
    """
    hardware = _Hardware(read, params)
    # Parents first: a device's key has to be known before another names it.
    for number, item in enumerate(sorted(system.items, key=_parents_first), 1):
        hardware.add(-number, item)
    spec = vim.vm.ConfigSpec(
        name=entity_name(name or system.name),
        version=checks.newest_family(system.families),
        annotation=system.annotation or None,
        guestId=system.os_type or "otherGuest64",
        firmware=system.config.get("firmware"),
        numCPUs=hardware.cpus,
        memoryMB=hardware.memory,
        files=vim.vm.FileInfo(vmPathName=""),
        deviceChange=[devices.added(device) for device in hardware.devices],
        vAppConfig=products.config_spec(
            system.products,
            ovfEnvironmentTransport=system.transports,
            ipAssignment=_addresses(params),
        ),
    )
    nvram = system.extra_config.get("nvram")
    # Else it is the name of a file that is not in the package.
    if nvram and nvram.startswith(devices.OVF_FILE):
        hardware.file(nvram)
    spec.extraConfig = [
        vim.option.OptionValue(key=key, value=value) for key, value in system.extra_config.items()
    ]
    return spec


def _addresses(params: Any) -> Any:
    """How the VM gets its addresses, if the import says so."""
    policy, protocol = params.ipAllocationPolicy, params.ipProtocol
    if not policy and not protocol:
        return None
    return vim.vApp.IPAssignmentInfo(ipAllocationPolicy=policy, ipProtocol=protocol)


def _parents_first(item: Item) -> bool:
    return item.kind not in _CONTROLLERS


class _Hardware:
    """Devices, as the items say, with negative keys as new devices have them."""

    def __init__(self, read: Descriptor, params: Any) -> None:
        self.cpus, self.memory = 1, 1024
        self.devices: list[Any] = []
        self._read = read
        self._keys: dict[str, int] = {}
        self._networks = {mapping.name: mapping.network for mapping in params.networkMapping}
        self._provisioning = params.diskProvisioning or "thin"

    def add(self, key: int, item: Item) -> None:
        """Takes one item; kinds that a VM need not have are passed over."""
        self._keys[item.values.get("InstanceID", "")] = key
        if item.kind == 3:
            self.cpus = item.number("VirtualQuantity", 1)
        elif item.kind == 4:
            self.memory = item.number("VirtualQuantity", 1024)
        elif item.kind in _CONTROLLERS:
            self.devices.append(_controller(key, item))
        elif item.kind in (15, 16):
            self.devices.append(self._cdrom(key, item))
        elif item.kind == 17:
            self.devices.append(self._disk(key, item))
        elif item.kind == 10:
            self.devices.append(self._card(key, item))

    def file(self, resource: str, line: int = 0) -> File:
        """The file that a resource such as ``ovf:/file/file1`` names."""
        found = self._read.files.get(_local(resource, "file"))
        if found is None:
            raise _invalid(resource, line)
        return found

    def _parent(self, item: Item) -> tuple[int, int]:
        parent = self._keys.get(item.values.get("Parent", ""), 0)
        return parent, item.number("AddressOnParent")

    def _cdrom(self, key: int, item: Item) -> Any:
        resource = item.values.get("HostResource")
        path = f"{devices.OVF_FILE}{self.file(resource, item.line).id}" if resource else ""
        return devices.cdrom(key, *self._parent(item), path)

    def _disk(self, key: int, item: Item) -> Any:
        resource = item.values.get("HostResource", "")
        if not resource:
            raise fault("vim.fault.OvfMissingElement", lineNumber=item.line, name="HostResource")
        found = self._read.disks.get(_local(resource, "disk"))
        if found is None:
            raise _invalid(resource, item.line)
        device = devices.disk(key, *self._parent(item), found.capacity, self._provisioning)
        # Without a file it is to be empty: any datastore, and nothing to send.
        file = found.file
        device.backing.fileName = "[]" if file is None else f"{devices.OVF_FILE}{file}"
        return device

    def _card(self, key: int, item: Item) -> Any:
        source = item.values.get("Connection", "")
        subtype = item.values.get("ResourceSubType", "")
        card = devices.network_card(key, source or "VM Network", subtype)
        card.backing.network = self._networks.get(source)
        if address := item.values.get("Address"):
            card.macAddress, card.addressType = address, "manual"
        return card


def _controller(key: int, item: Item) -> Any:
    bus = item.number("Address")
    if item.kind == 5:
        return vim.vm.device.VirtualIDEController(key=key, busNumber=bus)
    subtype = item.values.get("ResourceSubType") or ("ahci" if item.kind == 20 else "lsilogic")
    return devices.scsi_controller(subtype, key, bus)


def _local(resource: str, kind: str) -> str:
    return resource.removeprefix("ovf:").removeprefix(f"/{kind}/")


def _invalid(resource: str, line: int) -> Any:
    return fault(
        "vim.fault.OvfInvalidValue",
        lineNumber=line,
        elementName="Item",
        attributeName="HostResource",
        value=resource,
    )
