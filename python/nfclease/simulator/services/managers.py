"""The managers of ServiceContent, each with what can be read of it; what they do is refused."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.services.history import EventManager
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Call, Handler, Managed, World, answers

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
_FOUND_NOTHING: dict[str, Any] = {
    "DoesCustomizationSpecExist": False,
    "FindExtension": None,
    "GetAlarm": [],
    "GetAlarmState": [],
    "ListKeys": [],
    "ListKmipServers": [],
    "ListVStorageObject": [],
    "QueryAssignedLicenses": [],
    "QueryAvailablePerfMetric": [],
    "QueryDescriptions": [],
    "QueryIpPools": [],
    "QueryNetworkHint": [],
    "QueryPerf": [],
    "QueryTpmAttestationReport": None,
    "RetrieveEntityScheduledTask": [],
    "RetrieveObjectScheduledTask": [],
}


class Manager(Managed):
    """A manager that has nothing to manage."""

    def handler(self, method: str) -> Handler | None:
        """Its own answers, and the empty ones."""

        async def nothing(_: Call) -> Any:
            return _FOUND_NOTHING[method]

        return super().handler(method) or (nothing if method in _FOUND_NOTHING else None)


class OptionManager(Manager):
    """vim.option.OptionManager."""

    def __init__(self, world: World, kind: Any, moid: str, options: dict[str, Any]) -> None:
        values = [vim.option.OptionValue(key=key, value=value) for key, value in options.items()]
        super().__init__(world, kind, moid, setting=values)

    @answers("QueryOptions")
    async def query(self, call: Call) -> Any:
        """One option by its name, or all under a name that ends with a dot."""
        name = call.arg("name", "")
        settings = self.props["setting"]
        found = [o for o in settings if o.key == name or (name[-1:] in ("", ".") and name in o.key)]
        if not found:
            raise fault("vim.fault.InvalidName", name=name)
        return found


class AuthorizationManager(Manager):
    """vim.AuthorizationManager: one user, who may do everything."""

    _ROLES = ((-1, "Admin", "Administrator"), (-2, "ReadOnly", "Read-only"))

    def __init__(self, world: World, kind: Any, moid: str, root: Managed) -> None:
        rights = ["System.Anonymous", "System.Read", "System.View"]
        everything = [*rights, "VApp.Export", "VApp.Import", "VirtualMachine.Interact.PowerOn"]
        roles = [
            vim.AuthorizationManager.Role(
                roleId=number,
                system=True,
                name=name,
                info=vim.Description(label=label, summary=label),
                privilege=everything if name == "Admin" else rights,
            )
            for number, name, label in self._ROLES
        ]
        privileges = [
            vim.AuthorizationManager.Privilege(
                privId=name,
                onParent=False,
                name=name.rpartition(".")[2],
                privGroupName=name.rpartition(".")[0],
            )
            for name in everything
        ]
        super().__init__(world, kind, moid, roleList=roles, privilegeList=privileges)
        self._root = root

    @answers("RetrieveAllPermissions", "RetrieveEntityPermissions", "RetrieveRolePermissions")
    async def permissions(self, call: Call) -> Any:
        """The one there is, at the root; seen from below only if inherited ones are asked for."""
        other = call.method == "RetrieveRolePermissions" and call.arg("roleId") != -1
        entity = call.arg("entity")
        below = entity is not None and entity._moId != self._root.moid
        if other or (below and not call.arg("inherited")):
            return []
        return [
            vim.AuthorizationManager.Permission(
                entity=self._root.ref,
                principal=self.world.options.user,
                group=False,
                roleId=-1,
                propagate=True,
            )
        ]


class PerformanceManager(Manager):
    """vim.PerformanceManager: counters that nothing is counted with."""

    _COUNTERS = (
        ("cpu", "usage", "percent", "average"),
        ("cpu", "usagemhz", "megaHertz", "average"),
        ("mem", "usage", "percent", "average"),
        ("disk", "usage", "kiloBytesPerSecond", "average"),
        ("net", "usage", "kiloBytesPerSecond", "average"),
    )

    def __init__(self, world: World, kind: Any, moid: str) -> None:
        def described(key: str) -> Any:
            return vim.ElementDescription(key=key, label=key, summary=key)

        api = vim.PerformanceManager
        counters = [
            api.CounterInfo(
                key=key,
                groupInfo=described(group),
                nameInfo=described(name),
                unitInfo=described(unit),
                rollupType=rollup,
                statsType=api.CounterInfo.StatsType.rate,
                level=1,
                perDeviceLevel=3,
            )
            for key, (group, name, unit, rollup) in enumerate(self._COUNTERS, 1)
        ]
        intervals = [
            vim.HistoricalInterval(
                key=key, samplingPeriod=period, name=name, length=length, level=1, enabled=True
            )
            for key, (name, period, length) in enumerate(
                (("Past day", 300, 86400), ("Past week", 1800, 604800)), 1
            )
        ]
        super().__init__(world, kind, moid, perfCounter=counters, historicalInterval=intervals)

    @answers("QueryPerfProviderSummary")
    async def provider(self, call: Call) -> Any:
        """That there are no statistics of an entity, neither current nor summed up."""
        return vim.PerformanceManager.ProviderSummary(
            entity=call.arg("entity"), currentSupported=False, summarySupported=False
        )

    @answers("QueryPerfCounter")
    async def counters(self, call: Call) -> Any:
        """Counters by their keys."""
        wanted = call.arg("counterId", [])
        found = [counter for counter in self.props["perfCounter"] if counter.key in wanted]
        if len(found) != len(set(wanted)):
            raise fault("vmodl.fault.InvalidArgument", invalidProperty="counterId")
        return found


class LicenseManager(Manager):
    """vim.LicenseManager, under evaluation."""

    def __init__(self, world: World, kind: Any, moid: str) -> None:
        evaluation = vim.LicenseManager.LicenseInfo(
            licenseKey="00000-00000-00000-00000-00000",
            editionKey="eval",
            name="Evaluation Mode",
            total=0,
            used=1,
            costUnit="",
        )
        assignments = Manager(world, vim.LicenseAssignmentManager, f"{moid}-assignments")
        super().__init__(
            world,
            kind,
            moid,
            source=vim.LicenseManager.EvaluationLicense(),
            sourceAvailable=True,
            licenses=[evaluation],
            licensedEdition="",
            licenseAssignmentManager=assignments.ref,
        )

    @answers("DecodeLicense")
    async def decode(self, call: Call) -> Any:
        """The one key that is known."""
        for known in self.props["licenses"]:
            if known.licenseKey == call.arg("licenseKey"):
                return known
        raise fault("vmodl.fault.InvalidArgument", invalidProperty="licenseKey")


class GuestManager(Managed):
    """A manager of what goes on in guests: nothing, for no guest has tools that run."""

    def handler(self, method: str) -> Handler | None:
        """Refuses each of its methods, as vCenter does without tools."""

        async def refuse(call: Call) -> Any:
            self.world.find(call.arg("vm"))
            raise fault("vim.fault.GuestOperationsUnavailable")

        return refuse if "Guest" in method else None  # as all of theirs are named


class UserDirectory(Manager):
    """vim.UserDirectory."""

    def __init__(self, world: World, kind: Any, moid: str) -> None:
        domain = world.options.user.partition("@")[2]
        super().__init__(world, kind, moid, domainList=[domain] if domain else [])

    @answers("RetrieveUserGroups")
    async def find(self, call: Call) -> Any:
        """The one user."""
        user = self.world.options.user.partition("@")[0]
        wanted, exact = call.arg("searchStr", ""), call.arg("exactMatch", False)
        found = wanted == user if exact else wanted in user
        if not found or not call.arg("findUsers", True):
            return []
        return [vim.UserSearchResult(principal=user, fullName=user, group=False)]


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
        api, guests = vim.vm.guest, "guestOperations"
        return Managed(
            world,
            kind,
            moid,
            authManager=GuestManager(world, api.AuthManager, f"{guests}AuthManager").ref,
            fileManager=GuestManager(world, api.FileManager, f"{guests}FileManager").ref,
            processManager=GuestManager(world, api.ProcessManager, f"{guests}ProcessManager").ref,
        )
    if name == "vStorageObjectManager":
        api = vim.vslm.host if world.options.esx else vim.vslm.vcenter
        return Manager(world, api.VStorageObjectManager, moid)
    if name == "cryptoManager" and not world.options.esx:
        return Manager(world, vim.encryption.CryptoManagerKmip, moid)
    makers = {
        "perfManager": PerformanceManager,
        "licenseManager": LicenseManager,
        "userDirectory": UserDirectory,
    }
    return makers.get(name, Manager)(world, kind, moid)
