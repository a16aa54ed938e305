"""The managers of ServiceContent, each with what can be read of it; what they do is refused."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.registry import Call, handles
from nfclease.simulator.services.authorization import AuthorizationManager, UserDirectory
from nfclease.simulator.services.history import EventManager
from nfclease.simulator.services.licenses import LicenseManager
from nfclease.simulator.services.settings import OptionManager
from nfclease.simulator.services.statistics import PerformanceManager
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Managed, World

#: Their ids at a vCenter, by field of ServiceContent; the id of others is their type's name.
_OF_VCENTER = {
    "setting": "VpxSettings",
    "serviceManager": "ServiceMgr",
    "perfManager": "PerfMgr",
    "diagnosticManager": "DiagMgr",
    "virtualDiskManager": "virtualDiskManager",
    "snmpSystem": "SnmpSystem",
    "vmProvisioningChecker": "ProvChecker",
    "vmCompatibilityChecker": "CompatChecker",
    "dvSwitchManager": "DVSManager",
    "complianceManager": "MoComplianceManager",
    "guestOperationsManager": "guestOperationsManager",
    "certificateManager": "certificateManager",
    "cryptoManager": "CryptoManager",
    "vStorageObjectManager": "VStorageObjectManager",
    "tenantManager": "TenantManager",
}
#: And at a single host, which has only these beside its own.
_OF_HOST = {
    "setting": "HostAgentSettings",
    "userDirectory": "ha-user-directory",
    "authorizationManager": "ha-authmgr",
    "serviceManager": "ha-servicemanager",
    "perfManager": "ha-perfmgr",
    "eventManager": "ha-eventmgr",
    "accountManager": "ha-localacctmgr",
    "diagnosticManager": "ha-diagnosticmgr",
    "licenseManager": "ha-license-manager",
    "fileManager": "ha-nfc-file-manager",
    "datastoreNamespaceManager": "ha-datastore-namespace-manager",
    "virtualDiskManager": "ha-vdiskmanager",
    "dvSwitchManager": "ha-dvsmanager",
    "localizationManager": "ha-l10n-manager",
    "storageResourceManager": "ha-storage-resource-manager",
    "guestOperationsManager": "ha-guest-operations-manager",
    "vStorageObjectManager": "ha-vstorage-object-manager",
    "cryptoManager": "ha-crypto-manager",
}
_ONLY_OF_HOST = {"accountManager", "virtualizationManager"}
#: Queries for what is not here, with the truth as their answer.
_FOUND_NOTHING: dict[Any, dict[str, Any]] = {
    vim.CustomizationSpecManager: {"DoesCustomizationSpecExist": False},
    vim.DiagnosticManager: {"QueryDescriptions": []},
    vim.ExtensionManager: {"FindExtension": None},
    vim.HostSystem: {"QueryTpmAttestationReport": None},
    vim.IpPoolManager: {"QueryIpPools": []},
    vim.LicenseAssignmentManager: {"QueryAssignedLicenses": []},
    vim.PerformanceManager: {"QueryAvailablePerfMetric": [], "QueryPerf": []},
    vim.alarm.AlarmManager: {"GetAlarm": [], "GetAlarmState": []},
    vim.encryption.CryptoManager: {"ListKeys": []},
    vim.encryption.CryptoManagerKmip: {"ListKmipServers": []},
    vim.host.NetworkSystem: {"QueryNetworkHint": []},
    vim.scheduler.ScheduledTaskManager: {
        "RetrieveEntityScheduledTask": [],
        "RetrieveObjectScheduledTask": [],
    },
    vim.vslm.vcenter.VStorageObjectManager: {"ListVStorageObject": []},
}
#: Managers of what goes on in guests: nothing, for no guest has tools that run.
_OF_GUESTS = {
    "authManager": vim.vm.guest.AuthManager,
    "fileManager": vim.vm.guest.FileManager,
    "processManager": vim.vm.guest.ProcessManager,
}


def make_managers(world: World, root: Managed) -> dict[str, Any]:
    """All that are not objects of their own elsewhere, by field of ServiceContent."""
    esx = world.options.esx
    made: dict[str, Any] = {}
    for info in vim.ServiceInstanceContent._GetPropertyList():
        name, kind = info.name, info.type
        here = name in _OF_HOST if esx else name not in _ONLY_OF_HOST
        if here and name.endswith(_ENDINGS) and name not in _ELSEWHERE:
            moid = (_OF_HOST if esx else _OF_VCENTER).get(name, kind._wsdlName)
            made[name] = _manager(world, name, kind, moid, root).ref
    return made


_ENDINGS = ("Manager", "setting", "userDirectory", "snmpSystem", "Checker", "Configurator")
_ELSEWHERE = {"viewManager", "sessionManager", "taskManager", "ovfManager"}


def _manager(world: World, name: str, kind: Any, moid: str, root: Managed) -> Managed:
    if name == "setting":
        instance = {"VirtualCenter.FQDN": world.options.host, "instance.id": 1}
        return OptionManager(world, kind, moid, instance)
    if name == "authorizationManager":
        return AuthorizationManager(world, kind, moid, root)
    if name == "eventManager":
        return EventManager(world, kind, moid)
    if name == "guestOperationsManager":
        guests = {
            field: Managed(world, of, f"guestOperations{of.__name__.rpartition('.')[2]}").ref
            for field, of in _OF_GUESTS.items()
        }
        return Managed(world, kind, moid, **guests)
    if name == "vStorageObjectManager":
        api = vim.vslm.host if world.options.esx else vim.vslm.vcenter
        return Managed(world, api.VStorageObjectManager, moid)
    if name == "cryptoManager" and not world.options.esx:
        return Managed(world, vim.encryption.CryptoManagerKmip, moid)
    makers = {
        "perfManager": PerformanceManager,
        "licenseManager": LicenseManager,
        "userDirectory": UserDirectory,
    }
    return makers.get(name, Managed)(world, kind, moid)


async def _find_nothing(manager: Managed, call: Call) -> Any:
    answers = (_FOUND_NOTHING.get(kind, {}) for kind in type(manager.ref).__mro__)
    return next(known[call.method] for known in answers if call.method in known)


async def _refuse_guest(manager: Managed, call: Call) -> Any:
    """Refuses what is asked of a guest, as vCenter does without tools."""
    manager.world.find(call.arg("vm"))
    raise fault("vim.fault.GuestOperationsUnavailable")


for _kind, _methods in _FOUND_NOTHING.items():
    handles(_kind, *_methods)(_find_nothing)
for _kind in _OF_GUESTS.values():
    handles(_kind, *(info.wsdlName for info in _kind._GetMethodList()))(_refuse_guest)
