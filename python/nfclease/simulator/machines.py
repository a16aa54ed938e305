"""Virtual machines and their snapshots."""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING, Any

from nfclease.simulator import devices
from nfclease.simulator.devices import VmFile
from nfclease.simulator.session import now
from nfclease.simulator.tasks import Task
from nfclease.simulator.vsphere import fault, vim
from nfclease.simulator.world import Call, Managed, World, answers

if TYPE_CHECKING:
    from nfclease.simulator.leases import Lease

_Power: Any = vim.VirtualMachine.PowerState


@dataclasses.dataclass
class Place:
    """Where a VM is."""

    parent: Managed  # a folder, or a vApp
    pool: Managed
    host: Managed
    datastore: Managed
    network: Managed

    def owners(self) -> list[Managed]:
        """Every object that lists the VM, once; a vApp is folder and pool in one."""
        owners = (self.parent, self.pool, self.host, self.datastore, self.network)
        return list({owner.moid: owner for owner in owners}.values())


class Machine(Managed):
    """vim.VirtualMachine, made from a ConfigSpec as a real server makes it."""

    def __init__(self, world: World, place: Place, spec: Any, files: list[VmFile]) -> None:
        super().__init__(world, vim.VirtualMachine, f"vm-{world.number()}", name=spec.name)
        self.place = place
        self.files = files
        self.power = _Power.poweredOff
        self.leases: list[Lease] = []
        self.snapshots: list[Snapshot] = []
        self.config = self._configure(spec)
        in_vapp = isinstance(place.parent.ref, vim.VirtualApp)
        self.props.update(
            config=lambda: self.config,
            runtime=self._runtime,
            summary=self._summary,
            guest=self._guest,
            storage=self._storage,
            snapshot=self._snapshot_info,
            layoutEx=self._layout,
            capability=vim.vm.Capability(),
            datastore=[place.datastore.ref],
            network=[place.network.ref],
            resourcePool=place.pool.ref,
            parent=None if in_vapp else place.parent.ref,
            parentVApp=place.parent.ref if in_vapp else None,
            rootSnapshot=lambda: [snapshot.ref for snapshot in self.snapshots],
            recentTask=lambda: [lease.task.ref for lease in self.leases],
            disabledMethod=self._disabled,
            overallStatus=vim.ManagedEntity.Status.green,
            configStatus=vim.ManagedEntity.Status.green,
            guestHeartbeatStatus=vim.ManagedEntity.Status.gray,
        )
        for owner in place.owners():
            members(owner, "childEntity" if owner.knows("childEntity") else "vm").append(self.ref)
        world.touch()

    def _configure(self, spec: Any) -> Any:
        name, store = spec.name, self.place.datastore.name
        hardware = [copy.deepcopy(change.device) for change in spec.deviceChange]
        keys = {device.key: self.world.number() + 1000 for device in hardware if device.key < 0}
        for device in hardware:
            device.key = keys.get(device.key, device.key)
            device.controllerKey = keys.get(device.controllerKey, device.controllerKey)
            label = type(device)._wsdlName.removeprefix("Virtual")
            device.deviceInfo = vim.Description(label=f"{label} {device.key}", summary=label)
        self._place_files(hardware)
        path = f"[{store}] {name}/{name}.vmx"
        nvram = devices.nvram_of(spec.extraConfig)
        extra = [option for option in spec.extraConfig if option.key != "nvram"]
        if nvram is not None:
            extra.append(vim.option.OptionValue(key="nvram", value=f"{name}.nvram"))
        return vim.vm.ConfigInfo(
            changeVersion="1",
            modified=now(),
            name=name,
            guestFullName="Other (64-bit)",
            guestId=spec.guestId or "otherGuest64",
            version=spec.version or "vmx-19",
            uuid=self.world.uuid(),
            instanceUuid=self.world.uuid(),
            annotation=spec.annotation or "",
            firmware=spec.firmware or "bios",
            template=False,
            files=vim.vm.FileInfo(vmPathName=path, logDirectory=path.rpartition("/")[0]),
            hardware=vim.vm.VirtualHardware(
                numCPU=spec.numCPUs or 1,
                numCoresPerSocket=1,
                memoryMB=spec.memoryMB or 1024,
                device=hardware,
            ),
            extraConfig=extra,
            vAppConfig=None,
        )

    def _place_files(self, hardware: list[Any]) -> None:
        """Gives the backings of a new VM their paths in the datastore."""
        store, name, disks = self.place.datastore.name, self.name, 0
        by_device = {file.device: file for file in self.files}
        for device in hardware:
            if devices.is_disk(device):
                suffix = f"_{disks}" if disks else ""
                disks += 1
                path = f"[{store}] {name}/{name}{suffix}.vmdk"
            elif devices.iso_path(device) is not None:
                path = f"[{store}] {name}/_deviceImage-{device.unitNumber or 0}.iso"
            else:
                continue
            device.backing.fileName = path
            file = by_device.get(devices.device_name(device, hardware))
            if file is not None:
                file.path = path
        for file in self.files:
            if file.kind == "nvram":
                file.path = f"[{store}] {name}/{name}.nvram"

    @property
    def committed(self) -> int:
        """Bytes that the VM takes in its datastore."""
        return sum(file.size for file in self.files)

    def _runtime(self) -> Any:
        return vim.vm.RuntimeInfo(
            host=self.place.host.ref,
            connectionState=vim.VirtualMachine.ConnectionState.connected,
            powerState=self.power,
            faultToleranceState=vim.VirtualMachine.FaultToleranceState.notConfigured,
            toolsInstallerMounted=False,
            suspendInterval=0,
            numMksConnections=0,
            consolidationNeeded=False,
        )

    def _summary(self) -> Any:
        config, hardware = self.config, self.config.hardware
        disks = [device for device in hardware.device if devices.is_disk(device)]
        summary = vim.vm.Summary
        return summary(
            vm=self.ref,
            runtime=self._runtime(),
            guest=summary.GuestSummary(guestFullName=config.guestFullName),
            config=summary.ConfigSummary(
                name=config.name,
                template=False,
                vmPathName=config.files.vmPathName,
                memorySizeMB=hardware.memoryMB,
                numCpu=hardware.numCPU,
                numEthernetCards=1,
                numVirtualDisks=len(disks),
                uuid=config.uuid,
                instanceUuid=config.instanceUuid,
                guestId=config.guestId,
                guestFullName=config.guestFullName,
                annotation=config.annotation,
            ),
            storage=summary.StorageSummary(
                committed=self.committed,
                uncommitted=max(sum(d.capacityInBytes for d in disks) - self.committed, 0),
                unshared=self.committed,
                timestamp=now(),
            ),
            quickStats=summary.QuickStats(),
            overallStatus=vim.ManagedEntity.Status.green,
        )

    def _guest(self) -> Any:
        running = self.power == _Power.poweredOn
        return vim.vm.GuestInfo(
            toolsStatus=vim.vm.GuestInfo.ToolsStatus.toolsNotInstalled,
            guestState="running" if running else "notRunning",
        )

    def _storage(self) -> Any:
        usage = vim.vm.StorageInfo.UsageOnDatastore(
            datastore=self.place.datastore.ref,
            committed=self.committed,
            uncommitted=0,
            unshared=self.committed,
        )
        return vim.vm.StorageInfo(perDatastoreUsage=[usage], timestamp=now())

    def _layout(self) -> Any:
        layout = vim.vm.FileLayoutEx
        files = [
            layout.FileInfo(key=key, name=file.path, type=file.kind, size=file.size)
            for key, file in enumerate(self.files)
        ]
        return layout(file=files, timestamp=now())

    def _snapshot_info(self) -> Any:
        if not self.snapshots:
            return None
        trees = [snapshot.tree() for snapshot in self.snapshots]
        current = self.snapshots[-1].ref
        return vim.vm.SnapshotInfo(currentSnapshot=current, rootSnapshotList=trees)

    def _disabled(self) -> list[str]:
        blocked = ["PowerOnVM_Task", "Destroy_Task", "RelocateVM_Task", "MigrateVM_Task"]
        return blocked if self.leases else []

    def refuse_if_leased(self) -> None:
        """Operations that alter a VM are blocked while a lease covers it.

        Raises:
            vim.fault.TaskInProgress: With the task of the lease.
        """
        if self.leases:
            raise fault("vim.fault.TaskInProgress", task=self.leases[0].task.ref)

    def refuse_power(self, state: Any, requested: Any = None) -> None:
        """Raises InvalidPowerState in this state."""
        if self.power == state:
            raise fault(
                "vim.fault.InvalidPowerState", existingState=state, requestedState=requested
            )

    @answers("PowerOnVM_Task")
    async def power_on(self, call: Call) -> Any:
        """Switches it on."""
        return self._power(call, _Power.poweredOn)

    @answers("PowerOffVM_Task")
    async def power_off(self, call: Call) -> Any:
        """Switches it off."""
        return self._power(call, _Power.poweredOff)

    def _power(self, call: Call, state: Any) -> Any:
        self.refuse_if_leased()
        self.refuse_power(state, state)

        async def work() -> None:
            self.power = state

        return Task(self.world, call.method, self).run(work)

    @answers("Destroy_Task")
    async def destroy_task(self, call: Call) -> Any:
        """Deletes it."""
        self.refuse_if_leased()
        self.refuse_power(_Power.poweredOn, _Power.poweredOff)

        async def work() -> None:
            self.destroy()

        return Task(self.world, call.method, self).run(work)

    @answers("RelocateVM_Task", "MigrateVM_Task", "ReconfigVM_Task")
    async def move(self, call: Call) -> Any:
        """Goes through and changes nothing: there is one host and one datastore."""
        self.refuse_if_leased()

        async def work() -> None:
            return None

        return Task(self.world, call.method, self).run(work)

    @answers("Rename_Task")
    async def rename(self, call: Call) -> Any:
        """Gives it another name."""
        self.refuse_if_leased()

        async def work() -> None:
            self.props["name"] = self.config.name = call.arg("newName")

        return Task(self.world, call.method, self).run(work)

    @answers("CreateSnapshot_Task", "CreateSnapshotEx_Task")
    async def create_snapshot(self, call: Call) -> Any:
        """Takes a snapshot."""
        self.refuse_if_leased()

        async def work() -> Any:
            return self.take_snapshot(call.arg("name"), call.arg("description", "")).ref

        return Task(self.world, call.method, self).run(work)

    @answers("RemoveAllSnapshots_Task")
    async def remove_snapshots(self, call: Call) -> Any:
        """Removes all snapshots."""
        self.refuse_if_leased()

        async def work() -> None:
            for snapshot in list(self.snapshots):
                snapshot.remove()

        return Task(self.world, call.method, self).run(work)

    @answers("ExportVm")
    async def export(self, call: Call) -> Any:
        """A lease on the files of a VM that is switched off."""
        from nfclease.simulator.exports import export_lease

        self.refuse_power(_Power.poweredOn, _Power.poweredOff)
        return export_lease(self.world, call, self, [self]).ref

    def take_snapshot(self, name: str, description: str = "") -> Snapshot:
        """Takes a snapshot, at once."""
        snapshot = Snapshot(self.world, self, name, description)
        self.snapshots.append(snapshot)
        return snapshot

    def destroy(self) -> None:
        """Takes the VM out of the inventory."""
        for snapshot in list(self.snapshots):
            snapshot.remove()
        for owner in self.place.owners():
            for name in ("childEntity", "vm"):
                unlink(self.ref, owner, name)
        self.forget()


class Snapshot(Managed):
    """vim.vm.Snapshot."""

    def __init__(self, world: World, machine: Machine, name: str, description: str) -> None:
        super().__init__(world, vim.vm.Snapshot, f"snapshot-{world.number()}")
        self.machine = machine
        self.title = name
        self.description = description
        self.created = now()
        self.power = machine.power
        self.props.update(
            config=lambda: machine.config, vm=machine.ref, childSnapshot=[]
        )

    @property
    def name(self) -> str:
        """The VM's name: it names the files of an export."""
        return self.machine.name

    def tree(self) -> Any:
        """The snapshot in its VM's SnapshotInfo."""
        return vim.vm.SnapshotTree(
            snapshot=self.ref,
            vm=self.machine.ref,
            name=self.title,
            description=self.description,
            id=1,
            createTime=self.created,
            state=self.power,
            quiesced=False,
        )

    @answers("ExportSnapshot")
    async def export(self, call: Call) -> Any:
        """A lease on the VM's files at this moment; the VM may run."""
        from nfclease.simulator.exports import export_lease

        return export_lease(self.world, call, self.machine, [self.machine]).ref

    @answers("RemoveSnapshot_Task")
    async def remove_task(self, call: Call) -> Any:
        """Removes it."""
        self.machine.refuse_if_leased()

        async def work() -> None:
            self.remove()

        return Task(self.world, call.method, self.machine).run(work)

    def remove(self) -> None:
        """Removes it, at once."""
        if self in self.machine.snapshots:
            self.machine.snapshots.remove(self)
        self.forget()


def members(owner: Managed, name: str) -> list[Any]:
    """The list that is a property of an owner."""
    found: list[Any] = owner.props.setdefault(name, [])
    return found


def unlink(ref: Any, owner: Managed, name: str) -> None:
    """Takes a reference out of an owner's list, if it has such a list."""
    listed = owner.props.get(name)
    if isinstance(listed, list) and ref in listed:
        listed.remove(ref)
