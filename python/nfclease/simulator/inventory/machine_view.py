"""What a VM shows of itself: the data objects behind its properties."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.inventory import devices
from nfclease.simulator.inventory.machine import Machine
from nfclease.simulator.soap.vsphere import vim


def runtime(machine: Machine) -> Any:
    """How it runs, and where."""
    return vim.vm.RuntimeInfo(
        host=machine.place.host.ref,
        connectionState=vim.VirtualMachine.ConnectionState.connected,
        powerState=machine.power,
        faultToleranceState=vim.VirtualMachine.FaultToleranceState.notConfigured,
        toolsInstallerMounted=False,
        suspendInterval=0,
        numMksConnections=0,
        consolidationNeeded=False,
        recordReplayState=vim.VirtualMachine.RecordReplayState.inactive,
        cleanPowerOff=True,
        maxCpuUsage=2400 * machine.config.hardware.numCPU,
        maxMemoryUsage=machine.config.hardware.memoryMB,
    )


def summary(machine: Machine) -> Any:
    """The short form of the rest."""
    config, hardware = machine.config, machine.config.hardware
    disks = [device for device in hardware.device if devices.is_disk(device)]
    api = vim.vm.Summary
    tools = guest(machine).toolsStatus
    return api(
        vm=machine.ref,
        runtime=runtime(machine),
        guest=api.GuestSummary(guestFullName=config.guestFullName, toolsStatus=tools),
        config=api.ConfigSummary(
            name=config.name,
            template=False,
            vmPathName=config.files.vmPathName,
            memorySizeMB=hardware.memoryMB,
            numCpu=hardware.numCPU,
            numEthernetCards=len(devices.cards(hardware.device)),
            numVirtualDisks=len(disks),
            uuid=config.uuid,
            instanceUuid=config.instanceUuid,
            guestId=config.guestId,
            guestFullName=config.guestFullName,
            annotation=config.annotation,
            product=next(iter(config.vAppConfig.product), None) if config.vAppConfig else None,
            installBootRequired=False,
            hwVersion=config.version,
        ),
        storage=api.StorageSummary(
            committed=machine.committed,
            uncommitted=max(sum(map(devices.capacity, disks)) - machine.committed, 0),
            unshared=machine.committed,
            timestamp=machine.created,
        ),
        quickStats=api.QuickStats(
            guestHeartbeatStatus=vim.ManagedEntity.Status.gray,
            guestMemoryUsage=0,
            hostMemoryUsage=0,
            overallCpuUsage=0,
        ),
        overallStatus=vim.ManagedEntity.Status.green,
    )


def guest(machine: Machine) -> Any:
    """What is known of the guest, by its tools if there are any."""
    running = machine.power == vim.VirtualMachine.PowerState.poweredOn
    if machine.tools:
        status = vim.vm.GuestInfo.ToolsStatus
        return vim.vm.GuestInfo(
            toolsStatus=status.toolsOk if running else status.toolsNotRunning,
            guestState="running" if running else "notRunning",
            toolsRunningStatus="guestToolsRunning" if running else "guestToolsNotRunning",
            toolsVersionStatus="guestToolsUnmanaged",
            toolsVersionStatus2="guestToolsUnmanaged",
            guestOperationsReady=False,
        )
    return vim.vm.GuestInfo(
        toolsStatus=vim.vm.GuestInfo.ToolsStatus.toolsNotInstalled,
        guestState="running" if running else "notRunning",
        toolsRunningStatus="guestToolsNotRunning",
        toolsVersionStatus="guestToolsNotInstalled",
        toolsVersionStatus2="guestToolsNotInstalled",
        guestOperationsReady=False,
    )


def storage(machine: Machine) -> Any:
    """What it takes of the datastore."""
    usage = vim.vm.StorageInfo.UsageOnDatastore(
        datastore=machine.place.datastore.ref,
        committed=machine.committed,
        uncommitted=0,
        unshared=machine.committed,
    )
    return vim.vm.StorageInfo(perDatastoreUsage=[usage], timestamp=machine.created)


def layout(machine: Machine) -> Any:
    """Its files in the datastore."""
    api = vim.vm.FileLayoutEx
    files = [
        api.FileInfo(key=key, name=file.path, type=file.kind, size=file.size)
        for key, file in enumerate(machine.files)
    ]
    return api(file=files, timestamp=machine.created)


def resources(machine: Machine) -> Any:
    """Its share of CPU and memory, as a pool sees it."""
    config = machine.config
    return vim.ResourceConfigSpec(
        entity=machine.ref,
        cpuAllocation=config.cpuAllocation,
        memoryAllocation=config.memoryAllocation,
    )


def snapshots(machine: Machine) -> Any:
    """A VM's SnapshotInfo; None without snapshots."""
    if not machine.snapshots:
        return None
    current = machine.current_snapshot
    return vim.vm.SnapshotInfo(
        currentSnapshot=current.ref if current else None,
        rootSnapshotList=[one.tree() for one in machine.snapshots if one.parent is None],
    )
