"""``nfclease import``: to which pool, datastore, folder, host and networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease.simulator import Simulator

from ..support.command import Command
from ..support.inventory import find, unique


def test_where_it_goes(
    nfclease: Command, simulator: Simulator, service: Any, archive: Path
) -> None:
    name = unique("placed")
    folder = find(service, vim.Datacenter, "DC0").vmFolder
    done = nfclease(
        *("import", archive, "--name", name),
        *("--pool", "Cluster/Resources", "--datastore", "datastore1"),
        *("--folder", "/DC0/vm", "--host", "/DC0/host/Cluster/" + _host(service).name),
        *("--network", "VM Network=Lab Network", "--disk-provisioning", "thin"),
        *("--max-concurrency", "1"),
    )
    assert done.code == 0, done.stderr
    vm = find(service, vim.VirtualMachine, name)
    assert done.stdout.startswith(f"/DC0/vm/{name} ({vm._moId}): ")
    assert vm.parent == folder
    [call] = [each for each in simulator.calls() if each["method"] == "ImportVApp"]
    assert folder._moId in call["raw"]
    assert _host(service)._moId in call["raw"]


def _host(service: Any) -> Any:
    views = service.content.viewManager
    view = views.CreateContainerView(service.content.rootFolder, [vim.HostSystem], True)
    try:
        [host] = view.view
    finally:
        view.Destroy()
    return host


def mapped(simulator: Simulator) -> list[Any]:
    """What the server was told of networks."""
    [call] = [each for each in simulator.calls() if each["method"] == "CreateImportSpec"]
    text: str = call["raw"]
    return [part.split("<", 1)[0] for part in text.split("<network ")[1:]]


@pytest.mark.parametrize(
    ("options", "environment", "network"),
    [
        ([], {}, "network-12"),
        (["--network", "VM Network=Lab Network"], {}, "network-13"),
        (["--network", "Lab Network"], {}, "network-13"),
        (["--network", "VM Network=/DC0/network/Lab Network"], {}, "network-13"),
        (["--network", "network-13"], {}, "network-13"),
        ([], {"GOVC_NETWORK": "Lab Network"}, "network-13"),
        (["--network", "VM Network=VM Network"], {"GOVC_NETWORK": "Lab Network"}, "network-12"),
    ],
)
def test_networks(
    nfclease: Command,
    simulator: Simulator,
    archive: Path,
    options: list[str],
    environment: dict[str, str],
    network: str,
) -> None:
    done = nfclease("import", archive, "--name", unique("net"), *options, env=environment)
    assert done.code == 0, done.stderr
    assert [network in text for text in mapped(simulator)] == [True]


def test_what_a_govc_session_exports(nfclease: Command, service: Any, archive: Path) -> None:
    name = unique("by-environment")
    folder = find(service, vim.Datacenter, "DC0").vmFolder
    environment = {
        "GOVC_DATACENTER": "DC0",
        "GOVC_RESOURCE_POOL": "/DC0/host/Cluster/Resources",
        "GOVC_DATASTORE": "datastore1",
        "GOVC_FOLDER": "vm",
        "GOVC_HOST": _host(service).name,
    }
    done = nfclease("import", archive, "--name", name, env=environment)
    assert done.code == 0, done.stderr
    assert find(service, vim.VirtualMachine, name).parent == folder
    given = ["--dry-run", "--name", unique("option")]
    elsewhere = {"GOVC_DATACENTER": "no-such"}
    done = nfclease("import", archive, *given, env=elsewhere)
    assert done.code == 1
    assert "no-such" in done.stderr
    done = nfclease("import", archive, *given, "--datacenter", "/DC0", env=elsewhere)
    assert done.code == 0, done.stderr


def test_patterns_as_govc_has_them(nfclease: Command, archive: Path) -> None:
    environment = {"GOVC_RESOURCE_POOL": "*/Resources", "GOVC_DATASTORE": "data*"}
    done = nfclease("import", archive, "--dry-run", env=environment)
    assert done.code == 0, done.stderr
    done = nfclease("import", archive, "--dry-run", "--network", "*Network")
    assert done.code == 2
    paths = "/DC0/network/Lab Network, /DC0/network/VM Network"
    assert done.stderr == f"nfclease: *Network takes 2: give one of {paths}\n"


def test_what_was_chosen_is_told(nfclease: Command, archive: Path) -> None:
    done = nfclease("import", archive, "--name", unique("verbose"), "-v")
    assert done.code == 0, done.stderr
    pool = "/DC0/host/Cluster/Resources"
    assert f"nfclease: the resource pool is {pool}: nobody named one\n" in done.stderr
    assert "nfclease: the datastore is datastore1: it is the only one\n" in done.stderr
    assert "disk.vmdk: 5.6 kB, sha1 " in done.stdout


def test_into_a_vapp(nfclease: Command, service: Any, archive: Path) -> None:
    name = unique("in-a-vapp")
    options = ["--name", name, "--pool", "demo-vapp"]
    done = nfclease("import", archive, *options, env={"GOVC_FOLDER": "no-such"})
    assert done.code == 0, done.stderr
    assert find(service, vim.VirtualMachine, name).parentVApp.name == "demo-vapp"
    done = nfclease("import", archive, *options, "--folder", "vm")
    assert done.code == 2
    assert "--folder goes with a resource pool" in done.stderr
