"""Browsers: what a VM can be given, and which files are in a datastore."""

from __future__ import annotations

import dataclasses
import fnmatch
from typing import Any

from nfclease.simulator.inventory.hosts import capacity
from nfclease.simulator.inventory.machines import Machine
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.soap.neutral import complete
from nfclease.simulator.soap.vsphere import fault, support, vim
from nfclease.simulator.world import Call, Managed, World, answers

_Results: Any = support.GetVmodlType("vim.host.DatastoreBrowser.SearchResults[]")
_VERSIONS = ("vmx-13", "vmx-14", "vmx-15", "vmx-17", "vmx-18", "vmx-19", "vmx-20", "vmx-21")


class EnvironmentBrowser(Managed):
    """vim.EnvironmentBrowser."""

    def __init__(self, world: World, moid: str, datastores: DatastoreBrowser) -> None:
        super().__init__(world, vim.EnvironmentBrowser, moid, datastoreBrowser=datastores.ref)
        self._datastores = datastores

    @answers("QueryConfigOptionDescriptor")
    async def descriptors(self, call: Call) -> Any:
        """The hardware versions."""
        return [
            vim.vm.ConfigOptionDescriptor(
                key=version,
                description=version,
                host=[self.world.objects["host-10"].ref],
                createSupported=True,
                defaultConfigOption=version == "vmx-19",
                runSupported=True,
                upgradeSupported=True,
            )
            for version in _VERSIONS
        ]

    @answers("QueryConfigOption", "QueryConfigOptionEx")
    async def option(self, call: Call) -> Any:
        """What one hardware version has."""
        spec = call.arg("spec")
        version = (spec.key if spec else call.arg("key")) or "vmx-19"
        if version not in _VERSIONS:
            raise fault("vmodl.fault.InvalidArgument", invalidProperty="key")
        guest = vim.vm.GuestOsDescriptor(
            id="otherGuest64", family="otherGuestFamily", fullName="Other (64-bit)"
        )
        return complete(
            vim.vm.ConfigOption(
                version=version, description=version, guestOSDescriptor=[complete(guest)]
            )
        )

    @answers("QueryConfigTarget")
    async def target(self, call: Call) -> Any:
        """What a VM can be attached to."""
        objects = self.world.objects
        stores = [m for m in objects.values() if isinstance(m.ref, vim.Datastore)]
        networks = [m for m in objects.values() if isinstance(m.ref, vim.Network)]
        made = vim.vm.ConfigTarget(numCpus=16, numCpuCores=16, numNumaNodes=1, smcPresent=False)
        made.datastore = [
            complete(
                vim.vm.DatastoreInfo(
                    name=store.name,
                    datastore=store.get("summary"),
                    capability=store.get("capability"),
                    maxFileSize=1 << 46,
                    mode="readWrite",
                )
            )
            for store in stores
        ]
        made.network = [
            complete(vim.vm.NetworkInfo(name=network.name, network=network.get("summary")))
            for network in networks
        ]
        made.maxMemMBOptimalPerf = capacity()[1] >> 20
        return complete(made)

    @answers("QueryTargetCapabilities")
    async def capabilities(self, call: Call) -> Any:
        """What the host can do."""
        return complete(vim.host.Capability())


class DatastoreBrowser(Managed):
    """vim.host.DatastoreBrowser."""

    def __init__(self, world: World, moid: str, datastore: Managed) -> None:
        super().__init__(
            world, vim.host.DatastoreBrowser, moid, datastore=[datastore.ref], supportedType=[]
        )
        self._store = datastore

    @answers("SearchDatastore_Task")
    async def search(self, call: Call) -> Any:
        """The files of one folder."""
        return self._search(call, False)

    @answers("SearchDatastoreSubFolders_Task")
    async def search_below(self, call: Call) -> Any:
        """The files of a folder and of all below."""
        return self._search(call, True)

    def _search(self, call: Call, recursive: bool) -> Any:
        store, _, folder = call.arg("datastorePath", "").partition("]")
        if store != f"[{self._store.name}":
            raise fault("vim.fault.InvalidDatastorePath", datastorePath=call.arg("datastorePath"))
        folder = folder.strip().strip("/")
        patterns = (spec.matchPattern if (spec := call.arg("searchSpec")) else None) or ["*"]

        async def work() -> Any:
            tree = self._tree()
            if folder not in tree:
                raise fault("vim.fault.FileNotFound", file=call.arg("datastorePath"))
            found = [name for name in tree if name == folder or _below(name, folder)]
            results = [
                self._result(name, tree[name], patterns)
                for name in (sorted(found) if recursive else [folder])
            ]
            return _Results(results) if recursive else results[0]

        return Task(self.world, call.method, self._store).run(work)

    def _result(self, folder: str, entries: dict[str, _Entry], patterns: list[str]) -> Any:
        api = vim.host.DatastoreBrowser
        return api.SearchResults(
            datastore=self._store.ref,
            folderPath=f"[{self._store.name}] {folder}".rstrip(),
            file=[
                api.FileInfo(path=name, fileSize=entry.size, modification=entry.modified)
                if not entry.folder
                else api.FolderInfo(path=name, modification=entry.modified)
                for name, entry in sorted(entries.items())
                if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
            ],
        )

    def _tree(self) -> dict[str, dict[str, _Entry]]:
        """What is in each folder: the files of VMs."""
        tree: dict[str, dict[str, _Entry]] = {"": {}}
        for machine in self.world.objects.values():
            if isinstance(machine, Machine) and machine.place.datastore is self._store:
                paths = [(file.path, file.size) for file in machine.files]
                paths.append((machine.path, len(machine.name) + 2048))
                for path, size in paths:
                    folder, _, name = path.partition("]")[2].strip().rpartition("/")
                    tree.setdefault(folder, {})[name] = _Entry(size, machine.created)
                    if folder:
                        tree[""][folder] = _Entry(0, machine.created, folder=True)
        return tree


@dataclasses.dataclass
class _Entry:
    size: int
    modified: Any
    folder: bool = False


def _below(name: str, folder: str) -> bool:
    return not folder or name.startswith(f"{folder}/")
