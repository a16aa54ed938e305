"""Browsers: what a VM can be given, and which files are in a datastore."""

from __future__ import annotations

import dataclasses
import fnmatch
from typing import Any

from nfclease.simulator.inventory.hosts import capacity
from nfclease.simulator.inventory.machine import Machine
from nfclease.simulator.registry import Call, handles
from nfclease.simulator.services.tasks import Task
from nfclease.simulator.soap.neutral import complete
from nfclease.simulator.soap.vsphere import fault, support, vim
from nfclease.simulator.world import Managed, World

_Results: Any = support.GetVmodlType("vim.host.DatastoreBrowser.SearchResults[]")
#: Queries for files of one kind, with the ends of their names.
_QUERIES: dict[Any, str] = {
    vim.host.DatastoreBrowser.VmDiskQuery: ".vmdk",
    vim.host.DatastoreBrowser.IsoImageQuery: ".iso",
    vim.host.DatastoreBrowser.VmNvramQuery: ".nvram",
    vim.host.DatastoreBrowser.VmConfigQuery: ".vmx",
}
_VERSIONS = ("vmx-13", "vmx-14", "vmx-15", "vmx-17", "vmx-18", "vmx-19", "vmx-20", "vmx-21")


class EnvironmentBrowser(Managed):
    """vim.EnvironmentBrowser."""

    def __init__(self, world: World, moid: str, datastores: DatastoreBrowser) -> None:
        super().__init__(world, vim.EnvironmentBrowser, moid, datastoreBrowser=datastores.ref)
        self.datastores = datastores


class DatastoreBrowser(Managed):
    """vim.host.DatastoreBrowser."""

    def __init__(self, world: World, moid: str, datastore: Managed) -> None:
        super().__init__(
            world, vim.host.DatastoreBrowser, moid, datastore=[datastore.ref], supportedType=[]
        )
        self.store = datastore

    def result(self, folder: str, entries: dict[str, _Entry], spec: Any) -> Any:
        """What one folder has."""
        api = vim.host.DatastoreBrowser
        return api.SearchResults(
            datastore=self.store.ref,
            folderPath=f"[{self.store.name}] {folder}".rstrip(),
            file=[
                api.FileInfo(path=name, fileSize=entry.size, modification=entry.modified)
                if not entry.folder
                else api.FolderInfo(path=name, modification=entry.modified)
                for name, entry in sorted(entries.items())
                if _wanted(name, entry, spec)
            ],
        )

    def tree(self) -> dict[str, dict[str, _Entry]]:
        """What is in each folder: the files of VMs."""
        tree: dict[str, dict[str, _Entry]] = {"": {}}
        for machine in self.world.objects.values():
            if isinstance(machine, Machine) and machine.place.datastore is self.store:
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


@handles(vim.EnvironmentBrowser, "QueryConfigOptionDescriptor")
async def descriptors(browser: EnvironmentBrowser, call: Call) -> Any:
    """The hardware versions."""
    return [
        vim.vm.ConfigOptionDescriptor(
            key=version,
            description=version,
            host=[browser.world.objects["host-10"].ref],
            createSupported=True,
            defaultConfigOption=version == "vmx-19",
            runSupported=True,
            upgradeSupported=True,
        )
        for version in _VERSIONS
    ]


@handles(vim.EnvironmentBrowser, "QueryConfigOption", "QueryConfigOptionEx")
async def option(browser: EnvironmentBrowser, call: Call) -> Any:
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


@handles(vim.EnvironmentBrowser, "QueryConfigTarget")
async def target(browser: EnvironmentBrowser, call: Call) -> Any:
    """What a VM can be attached to."""
    objects = browser.world.objects
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


@handles(vim.EnvironmentBrowser, "QueryTargetCapabilities")
async def capabilities(browser: EnvironmentBrowser, call: Call) -> Any:
    """What the host can do."""
    return complete(vim.host.Capability())


@handles(vim.host.DatastoreBrowser, "SearchDatastore_Task")
async def search(browser: DatastoreBrowser, call: Call) -> Any:
    """The files of one folder."""
    return _search(browser, call, False)


@handles(vim.host.DatastoreBrowser, "SearchDatastoreSubFolders_Task")
async def search_below(browser: DatastoreBrowser, call: Call) -> Any:
    """The files of a folder and of all below."""
    return _search(browser, call, True)


def _search(browser: DatastoreBrowser, call: Call, recursive: bool) -> Any:
    store, _, folder = call.arg("datastorePath", "").partition("]")
    if store != f"[{browser.store.name}":
        raise fault("vim.fault.InvalidDatastorePath", datastorePath=call.arg("datastorePath"))
    folder = folder.strip().strip("/")
    spec = call.arg("searchSpec") or vim.host.DatastoreBrowser.SearchSpec()

    async def work() -> Any:
        tree = browser.tree()
        if folder not in tree:
            raise fault("vim.fault.FileNotFound", file=call.arg("datastorePath"))
        found = [name for name in tree if name == folder or _below(name, folder)]
        results = [
            browser.result(name, tree[name], spec)
            for name in (sorted(found) if recursive else [folder])
        ]
        return _Results(results) if recursive else results[0]

    return Task(browser.world, call.method, browser.store).run(work)


def _wanted(name: str, entry: _Entry, spec: Any) -> bool:
    """Whether a search is for this file: by its name and, if that is asked, by its kind."""
    patterns = spec.matchPattern or ["*"]
    if spec.searchCaseInsensitive:
        name, patterns = name.lower(), [pattern.lower() for pattern in patterns]
    named = any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    return named and (not spec.query or any(_is_of(name, entry, one) for one in spec.query))


def _is_of(name: str, entry: _Entry, query: Any) -> bool:
    for kind, suffix in _QUERIES.items():
        if isinstance(query, kind):
            return not entry.folder and name.lower().endswith(suffix)
    if isinstance(query, vim.host.DatastoreBrowser.FolderQuery):
        return entry.folder
    return type(query) is vim.host.DatastoreBrowser.Query
