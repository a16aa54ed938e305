"""The ESXi host and the compute resource that it is in."""

from __future__ import annotations

import datetime
from typing import Any

from nfclease.simulator.inventory import network
from nfclease.simulator.inventory.entities import GREEN, entity
from nfclease.simulator.registry import Call, handles
from nfclease.simulator.services.settings import OptionManager
from nfclease.simulator.soap.neutral import complete
from nfclease.simulator.soap.vsphere import ManagedObject, support, vim
from nfclease.simulator.world import Managed, World, now

_SOCKETS, _CORES, _MHZ, _MEMORY = 2, 8, 2400, 64 << 30
_MODEL = "Simulated CPU @ 2.40GHz"
_BOOT = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
#: Managers that the host has, beside those of ServiceContent. The others are not in a simulator.
_SYSTEMS: set[str] = {
    "advancedOption",
    "autoStartManager",
    "certificateManager",
    "datastoreSystem",
    "dateTimeSystem",
    "diagnosticSystem",
    "firewallSystem",
    "graphicsManager",
    "healthStatusSystem",
    "networkSystem",
    "powerSystem",
    "serviceSystem",
    "storageSystem",
    "virtualNicManager",
}


def host_system(world: World, compute: Managed) -> Managed:
    """The one ESXi host."""
    host = entity(world, vim.HostSystem, "host-10", "esx-1.example", compute)
    product = complete(
        vim.AboutInfo(
            name="VMware ESXi",
            fullName=f"VMware ESXi {world.product_version}",
            vendor="VMware, Inc.",
            version=world.product_version,
            build="24677879",
            osType="vmnix-x86",
            productLineId="embeddedEsx",
            apiType="HostAgent",
            apiVersion=world.api_version,
        )
    )
    uuid = world.uuid()
    runtime = vim.host.RuntimeInfo(
        connectionState=vim.HostSystem.ConnectionState.connected,
        powerState=vim.HostSystem.PowerState.poweredOn,
        inMaintenanceMode=False,
        bootTime=_BOOT,
    )
    hardware = vim.host.Summary.HardwareSummary(
        vendor="nfclease",
        model="Simulator",
        uuid=uuid,
        memorySize=_MEMORY,
        cpuModel=_MODEL,
        cpuMhz=_MHZ,
        numCpuPkgs=_SOCKETS,
        numCpuCores=_SOCKETS * _CORES,
        numCpuThreads=_SOCKETS * _CORES,
        numNics=1,
        numHBAs=1,
    )
    summary = vim.host.Summary(
        host=host.ref,
        hardware=hardware,
        runtime=runtime,
        overallStatus=GREEN,
        rebootRequired=False,
        config=vim.host.Summary.ConfigSummary(
            name=host.name, port=443, product=product, vmotionEnabled=True
        ),
        quickStats=vim.host.Summary.QuickStats(overallCpuUsage=0, overallMemoryUsage=0),
    )
    host.props.update(
        runtime=runtime,
        hardware=_hardware(uuid),
        config=complete(
            vim.host.ConfigInfo(host=host.ref, product=product, network=network.info())
        ),
        configManager=_systems(world),
        summary=complete(summary),
        licensableResource=vim.LicenseManager.LicensableResourceInfo(),
        vm=[],
    )
    return host


def _hardware(uuid: str) -> Any:
    return complete(
        vim.host.HardwareInfo(
            systemInfo=vim.host.SystemInfo(vendor="nfclease", model="Simulator", uuid=uuid),
            cpuInfo=vim.host.CpuInfo(
                numCpuPackages=_SOCKETS,
                numCpuCores=_SOCKETS * _CORES,
                numCpuThreads=_SOCKETS * _CORES,
                hz=_MHZ * 10**6,
            ),
            memorySize=_MEMORY,
        )
    )


def _time_zone() -> Any:
    zone = vim.host.DateTimeSystem.TimeZone(key="UTC", name="UTC", description="UTC", gmtOffset=0)
    return vim.host.DateTimeInfo(timeZone=zone, ntpConfig=vim.host.NtpConfig())


class DateTimeSystem(Managed):
    """vim.host.DateTimeSystem."""


def _systems(world: World) -> Any:
    found: dict[str, Any] = {}
    for info in vim.host.ConfigManager._GetPropertyList():
        if info.name in _SYSTEMS and issubclass(info.type, ManagedObject):
            moid = f"{support.Uncapitalize(info.type._wsdlName)}-10"
            if info.name == "advancedOption":
                level = {"Config.HostAgent.log.level": "info"}
                made: Managed = OptionManager(world, info.type, "EsxHostAdvSettings-10", level)
            elif info.name == "dateTimeSystem":
                made = DateTimeSystem(world, info.type, moid, dateTimeInfo=_time_zone())
            else:
                made = Managed(world, info.type, moid, **network.of_system(info.name))
            found[info.name] = made.ref
    return vim.host.ConfigManager(**found)


def compute_summary(cluster: bool) -> Any:
    """The summary of the compute resource with this one host."""
    kind = vim.ClusterComputeResource.Summary if cluster else vim.ComputeResource.Summary
    return complete(
        kind(
            totalCpu=_SOCKETS * _CORES * _MHZ,
            totalMemory=_MEMORY,
            numCpuCores=_SOCKETS * _CORES,
            numCpuThreads=_SOCKETS * _CORES,
            effectiveCpu=_SOCKETS * _CORES * _MHZ,
            effectiveMemory=_MEMORY >> 20,
            numHosts=1,
            numEffectiveHosts=1,
            overallStatus=GREEN,
        )
    )


def compute_config(cluster: bool) -> dict[str, Any]:
    """The configuration of the compute resource, by property."""
    if not cluster:
        plain = vim.ComputeResource.ConfigInfo(vmSwapPlacement="vmDirectory")
        return {"configurationEx": complete(plain)}
    das = vim.cluster.DasConfigInfo(enabled=False)
    drs = vim.cluster.DrsConfigInfo(enabled=False)
    extended = vim.cluster.ConfigInfoEx(vmSwapPlacement="vmDirectory", dasConfig=das, drsConfig=drs)
    return {
        "configuration": vim.cluster.ConfigInfo(dasConfig=das, drsConfig=drs),
        "configurationEx": complete(extended),
    }


def capacity() -> tuple[int, int]:
    """MHz and bytes of memory of the host."""
    return _SOCKETS * _CORES * _MHZ, _MEMORY


@handles(vim.host.DateTimeSystem, "QueryDateTime")
async def query(system: DateTimeSystem, call: Call) -> Any:
    """The host's clock."""
    return now()
