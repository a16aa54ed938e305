"""The inventory: a datacenter with a host, a datastore, a network and some VMs."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from nfclease.simulator.inventory import devices
from nfclease.simulator.inventory.browsers import DatastoreBrowser, EnvironmentBrowser
from nfclease.simulator.inventory.devices import VmFile
from nfclease.simulator.inventory.entities import datastore, entity, folder, network
from nfclease.simulator.inventory.hosts import compute_config, compute_summary, host_system
from nfclease.simulator.inventory.machine import Machine
from nfclease.simulator.inventory.machines import make_machine
from nfclease.simulator.inventory.many import multiply
from nfclease.simulator.inventory.names import entity_name, entity_named
from nfclease.simulator.inventory.place import Place, members
from nfclease.simulator.inventory.pools import ResourcePool, VirtualApp
from nfclease.simulator.inventory.vmdk import StreamOptimizedDisk
from nfclease.simulator.services.filters import PropertyCollector
from nfclease.simulator.services.search import SearchIndex, ViewManager
from nfclease.simulator.services.service import ServiceInstance
from nfclease.simulator.services.session import SessionManager
from nfclease.simulator.services.tasks import TaskManager
from nfclease.simulator.soap.vsphere import vim, vmodl
from nfclease.simulator.world import Managed, World

if TYPE_CHECKING:
    from collections.abc import Sequence


_EXPORT_OPTIONS = {
    "mac": "MAC address is exported for all ethernet devices",
    "uuid": "UUID is exported for all virtual machines",
    "extraconfig": "All extra configuration options are exported for a virtual machine",
    "nodevicesubtypes": "Resource subtypes for CD/DVD drives, floppy drives, and serial and"
    " parallel ports are not exported",
}


class Inventory:
    """The objects that other parts ask for."""

    def __init__(self, world: World) -> None:
        self.world = world
        esx = world.options.esx
        TaskManager(world, "TaskManager")
        self.root: Managed = folder(
            world, "ha-folder-root" if esx else "group-d1", "Datacenters", None
        )
        self.root.props["childType"] = ["Folder", "Datacenter"]
        self._make_services()
        self.datacenter: Managed = self._make_datacenter("ha-datacenter" if esx else "DC0")
        self._make_compute("esx-1.example" if esx else "Cluster")
        self._make_machines()

    def _make_services(self) -> None:
        world = self.world
        SessionManager(world, "SessionManager")
        PropertyCollector(world, "propertyCollector")
        ViewManager(world, "ViewManager")
        SearchIndex(world, "SearchIndex", self.root)
        ovf = Managed(world, vim.OvfManager, "OvfManager")
        ovf.props["ovfExportOption"] = [
            vim.OvfManager.OvfOptionInfo(
                option=option,
                description=vmodl.LocalizableMessage(key=f"ovf.export.{option}", message=text),
            )
            for option, text in _EXPORT_OPTIONS.items()
        ]
        ServiceInstance(world, self.root)

    def _make_datacenter(self, name: str) -> Managed:
        world = self.world
        datacenter = entity(world, vim.Datacenter, "datacenter-2", name, self.root)
        members(self.root, "childEntity").append(datacenter.ref)
        kinds = {
            "vm": ["Folder", "VirtualMachine", "VirtualApp"],
            "host": ["Folder", "ComputeResource"],
            "datastore": ["Folder", "Datastore", "StoragePod"],
            "network": ["Folder", "Network", "DistributedVirtualSwitch"],
        }
        self.folders: dict[str, Managed] = {}
        for number, (kind, types) in enumerate(kinds.items(), start=3):
            made = folder(world, f"group-{kind[0]}{number}", kind, datacenter)
            made.props["childType"] = types
            datacenter.props[f"{kind}Folder"] = made.ref
            self.folders[kind] = made
        return datacenter

    def _make_compute(self, name: str) -> None:
        world, folders = self.world, self.folders
        kind = vim.ComputeResource if world.options.esx else vim.ClusterComputeResource
        compute = entity(world, kind, "domain-c7", name, folders["host"])
        cluster = not world.options.esx
        compute.props.update(compute_config(cluster), summary=compute_summary(cluster))
        self.host: Managed = host_system(world, compute)
        self.datastore: Managed = datastore(world, folders["datastore"], self.host)
        self.network: Managed = network(world, "network-12", "VM Network", folders["network"])
        other = network(world, "network-13", "Lab Network", folders["network"])
        browser = DatastoreBrowser(world, "datastoreBrowser-11", self.datastore)
        environment = EnvironmentBrowser(world, "envbrowser-7", browser)
        self.datastore.props["browser"] = self.host.props["datastoreBrowser"] = browser.ref
        compute.props["environmentBrowser"] = environment.ref
        usual = Place(folders["vm"], compute, self.host, self.datastore, self.network)
        self.pool: ResourcePool = ResourcePool(
            world, vim.ResourcePool, "resgroup-8", "Resources", compute, usual
        )
        self.pool.props["owner"] = compute.ref
        stores, networks = [self.datastore.ref], [self.network.ref, other.ref]
        for owner in (compute, self.host, self.datacenter):
            owner.props.update(datastore=[*stores], network=[*networks])
        compute.props.update(host=[self.host.ref], resourcePool=self.pool.ref)
        if cluster:
            compute.props["summaryEx"] = compute.props["summary"]
        for one in (self.network, other):
            one.props["host"] = [self.host.ref]
            members(folders["network"], "childEntity").append(one.ref)
        for prop, member in (("host", compute), ("datastore", self.datastore)):
            members(folders[prop], "childEntity").append(member.ref)

    def _make_machines(self) -> None:
        options = self.world.options
        self.add_vm("demo-vm", options.disks, options.disk_size, iso=True)
        running = self.add_vm("running-vm", 1, options.disk_size, power="on")
        running.take_snapshot("before", "taken before anything else")
        vapp = self.pool.add_vapp("demo-vapp")
        self.add_vm("vapp-vm", 1, options.disk_size, pool=vapp)

    def add_vm(
        self,
        name: str,
        disks: int = 3,
        disk_size: int | None = None,
        nvram: bool = True,
        power: str = "off",
        iso: bool = False,
        tools: bool = False,
        capacity: int | None = None,
        pool: ResourcePool | None = None,
        folder: str | None = None,
    ) -> Machine:
        """Makes a VM whose disks have streams of about ``disk_size`` bytes.

        Raises:
            ValueError: There is a VM of this name, or disks of this capacity hold less.
        """
        name = entity_name(name)
        parent = self._folder(folder) if folder else None
        if self.machine(name, parent) is not None:
            raise ValueError(f"there is a VM {name!r} already")
        size = self.world.options.disk_size if disk_size is None else disk_size
        contents = [
            StreamOptimizedDisk(size, self._seed(name, index), capacity=capacity)
            for index in range(disks)
        ]
        if capacity is not None and any(disk.capacity != capacity for disk in contents):
            raise ValueError(f"disks of {size} bytes do not fit into {capacity}")
        image = f"[{self.datastore.name}] iso/tools.iso" if iso else None
        spec = devices.config_spec(name, [disk.capacity for disk in contents], image, nvram)
        place = (pool or self.pool).place(parent)
        machine = make_machine(self.world, place, spec, machine_files(spec, contents))
        machine.tools = tools
        if power == "on":
            machine.power = vim.VirtualMachine.PowerState.poweredOn
        return machine

    def add_vms(self, name: str, count: int, folders: int = 1, **options: Any) -> None:
        """Makes many VMs with the same disks, ``<name>-1`` and so on, in turns in some folders.

        Raises:
            ValueError: There is a VM of the first name, or the numbers make no sense.
        """
        if count < 1 or folders < 1:
            raise ValueError("count and folders must be 1 or more")
        places = [self._folder(f"{name}-{number}") for number in range(1, folders + 1)]
        first = self.add_vm(f"{name}-1", nvram=False, folder=f"{name}-1", **options)
        names = [f"{name}-{number}" for number in range(2, count + 1)]
        multiply(first, names, [*places[1:], places[0]])

    def add_vapp(self, name: str, vms: int = 3, **options: Any) -> VirtualApp:
        """Makes a vApp of VMs ``<name>-1``, ``<name>-2`` and so on.

        Raises:
            ValueError: There is a vApp or VM of one of these names.
        """
        names = [f"{name}-{number}" for number in range(1, vms + 1)]
        for one in (name, *names):
            if entity_named(self.world, entity_name(one)) is not None:
                raise ValueError(f"there is {one!r} already")
        vapp = self.pool.add_vapp(name)
        for one in names:
            self.add_vm(one, pool=vapp, **options)
        return vapp

    def machine(self, name: str, parent: Managed | None = None) -> Machine | None:
        """The first VM of a name, everywhere or in one folder."""
        machines = (one for one in self.world.objects.values() if isinstance(one, Machine))
        named = (one for one in machines if one.name == entity_name(name))
        return next((one for one in named if parent in (None, one.place.parent)), None)

    def _folder(self, path: str) -> Managed:
        """A folder below the one of all VMs; what is missing of it is made."""
        found = self.folders["vm"]
        for name in filter(None, path.split("/")):
            below = (self.world.objects[ref._moId] for ref in members(found, "childEntity"))
            named = (one for one in below if one.name == entity_name(name))
            inner = next((one for one in named if isinstance(one.ref, vim.Folder)), None)
            if inner is None:
                moid = f"group-v{self.world.number()}"
                inner = folder(self.world, moid, entity_name(name), found)
                inner.props["childType"] = found.props["childType"]
                members(found, "childEntity").append(inner.ref)
            found = inner
        return found

    def names(self) -> list[str]:
        """The names of all VMs."""
        return [m.name for m in self.world.objects.values() if isinstance(m, Machine)]

    def _seed(self, name: str, index: int) -> int:
        return zlib.crc32(f"{name}/{index}/{self.world.options.seed}".encode())


def machine_files(spec: Any, contents: Sequence[StreamOptimizedDisk]) -> list[VmFile]:
    """The files of a new VM in the order of an export: images, disks, nvram."""
    hardware = [change.device for change in spec.deviceChange]
    images = [
        VmFile("iso", devices.device_name(device, hardware), path, devices.ISO_SIZE)
        for device in hardware
        if (path := devices.iso_path(device)) is not None
    ]
    disks = [device for device in hardware if devices.is_disk(device)]
    files = [
        VmFile(
            "disk",
            devices.device_name(device, hardware),
            "",
            content.stream_size,
            capacity=content.capacity,
            content=content,
        )
        for device, content in zip(disks, contents, strict=True)
    ]
    if devices.nvram_of(spec.extraConfig) is not None:
        files.append(VmFile("nvram", "nvram", "", devices.NVRAM_SIZE))
    return images + files
