"""Names, paths and moIds find what they mean, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease.inventory import find, find_all, list_vms, path_of
from nfclease.simulator import Simulator

from ..support.inventory import unique

MACHINES = (vim.VirtualMachine, vim.VirtualApp)


@pytest.fixture(autouse=True)
def slashed(shared_simulator: Simulator) -> None:
    """A VM with a slash in its name."""
    if "a%2fb%25" not in [row.name for row in list_vms(shared_simulator.connect())]:
        shared_simulator.add_vm("a/b%", disks=0)


@pytest.mark.parametrize(
    ("name", "kind", "path"),
    [
        ("demo-vm", vim.VirtualMachine, "/DC0/vm/demo-vm"),
        ("/DC0/vm/demo-vm", vim.VirtualMachine, "/DC0/vm/demo-vm"),
        ("/DC0/vm/demo-vm/", vim.VirtualMachine, "/DC0/vm/demo-vm"),
        ("DC0/vm/demo-vm", vim.VirtualMachine, "/DC0/vm/demo-vm"),
        ("vm/demo-vm", vim.VirtualMachine, "/DC0/vm/demo-vm"),
        ("./demo-vm", vim.VirtualMachine, "/DC0/vm/demo-vm"),
        ("demo-vapp/vapp-vm", vim.VirtualMachine, "/DC0/vm/demo-vapp/vapp-vm"),
        ("a/b%", vim.VirtualMachine, "/DC0/vm/a%2fb%25"),
        ("a%2Fb%25", vim.VirtualMachine, "/DC0/vm/a%2fb%25"),
        ("/DC0/vm/a%2fb%25", vim.VirtualMachine, "/DC0/vm/a%2fb%25"),
        ("demo-vapp", MACHINES, "/DC0/vm/demo-vapp"),
        ("demo-vapp", vim.VirtualApp, "/DC0/vm/demo-vapp"),
        ("demo-vapp", vim.ResourcePool, "/DC0/vm/demo-vapp"),
        ("Cluster/Resources", vim.ResourcePool, "/DC0/host/Cluster/Resources"),
        ("Cluster", vim.ComputeResource, "/DC0/host/Cluster"),
        ("Cluster", vim.ClusterComputeResource, "/DC0/host/Cluster"),
        ("esx-1.example", vim.HostSystem, "/DC0/host/Cluster/esx-1.example"),
        ("datastore1", vim.Datastore, "/DC0/datastore/datastore1"),
        ("VM Network", vim.Network, "/DC0/network/VM Network"),
        ("vm", vim.Folder, "/DC0/vm"),
        ("DC0/host", vim.Folder, "/DC0/host"),
        ("DC0", vim.Datacenter, "/DC0"),
        (None, vim.Datastore, "/DC0/datastore/datastore1"),
        ("Lab Network", vim.ManagedEntity, "/DC0/network/Lab Network"),
    ],
)
def test_a_name_finds(service: Any, name: str | None, kind: Any, path: str) -> None:
    found = find(service, name, kind)
    assert path_of(found) == path
    assert isinstance(found, kind)


def test_a_moid_finds(service: Any, demo_vm: Any) -> None:
    moid = demo_vm._moId
    assert find(service, moid) == find(service, f"VirtualMachine:{moid}") == demo_vm
    for name in (f"Datastore:{moid}", "VirtualMachine:vm-1", moid + "0"):
        with pytest.raises(nfclease.NotFoundError):
            find(service, name)


def test_every_read_is_one_call(simulator: Simulator, service: Any, demo_vm: Any) -> None:
    simulator.reset()
    find(service, "demo-vm")
    find(service, "/DC0/vm/demo-vm")
    list_vms(service)
    find_all(service, kind=vim.ManagedEntity)
    path_of(demo_vm)
    methods = [call["method"] for call in simulator.calls()]
    assert methods.count("RetrievePropertiesEx") == 5
    assert {*methods} == {"RetrievePropertiesEx", "RetrieveServiceContent"}


def test_what_is_not_there_is_an_error_that_names_near_ones(service: Any) -> None:
    with pytest.raises(nfclease.NotFoundError) as caught:
        find(service, "/DC0/vm/DEMO_vm")
    assert "/DC0/vm/demo-vm" in caught.value.candidates
    assert str(caught.value).startswith("VM '/DC0/vm/DEMO_vm' not found; similar: ")
    assert caught.value.remedy == "fix_input"
    assert isinstance(caught.value, LookupError)
    with pytest.raises(nfclease.NotFoundError) as caught:
        find(service, "zzzzzz", vim.Datastore)
    assert str(caught.value) == ("datastore 'zzzzzz' not found among the 1 that this user can see")
    with pytest.raises(
        nfclease.NotFoundError, match="no datastore cluster found: this user cannot see any"
    ):
        find(service, None, vim.StoragePod)


def test_a_name_of_many_is_an_error_that_lists_them(service: Any) -> None:
    with pytest.raises(nfclease.AmbiguousNameError) as caught:
        find(service, None, vim.Network)
    assert caught.value.candidates == ("/DC0/network/Lab Network", "/DC0/network/VM Network")
    assert "(network-12)" in str(caught.value)


def test_what_is_said_of_a_name_is_harmless(service: Any) -> None:
    with pytest.raises(nfclease.NotFoundError) as caught:
        find(service, "\x1b[2Jx\n" + "y" * 5000)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*-vm", ["vapp-vm", "demo-vm", "running-vm"]),
        ("demo-vm", ["demo-vm"]),
        ("/DC0/vm/*-vm", ["demo-vm", "running-vm"]),
        ("*/vapp-vm", ["vapp-vm"]),
        ("/DC0/vm/demo-vapp/", ["vapp-vm"]),
        ("/DC0/.../*-vm", ["vapp-vm", "demo-vm", "running-vm"]),
        ("/DC0/**/demo*", ["demo-vm"]),
        ("a%2fb*", ["a%2fb%25"]),
        ("[dr]*-vm", ["demo-vm", "running-vm"]),
        ("DEMO-VM", []),
        ("/nothing/*", []),
    ],
)
def test_a_pattern_takes(service: Any, pattern: str, names: list[str]) -> None:
    assert [row.name for row in list_vms(service, pattern)] == names


def test_a_list_has_power_states_and_sizes(service: Any) -> None:
    rows = {row.name: row for row in list_vms(service)}
    assert rows["running-vm"].power_state == "poweredOn"
    assert rows["demo-vm"].power_state == "poweredOff"
    assert rows["demo-vm"].committed is not None
    assert rows["demo-vm"].committed > rows["running-vm"].committed > 0  # type: ignore[operator]
    assert rows["demo-vm"].entity.name == "demo-vm"
    assert list_vms(service, rows["demo-vm"].moid) == [rows["demo-vm"]]


def test_a_datacenter_limits(service: Any) -> None:
    datacenter = find(service, "DC0", vim.Datacenter)
    for given in ("DC0", "/DC0", "datacenter-2", datacenter):
        assert find(service, "demo-vm", datacenter=given).name == "demo-vm"
    for name in ("/DC0/vm/demo-vm", f"VirtualMachine:{find(service, 'demo-vm')._moId}"):
        assert find(service, name, datacenter="DC9").name == "demo-vm"
    with pytest.raises(nfclease.NotFoundError, match="datacenter 'DC9' not found"):
        find(service, "demo-vm", datacenter="DC9")


def test_wrong_arguments_are_refused(service: Any) -> None:
    with pytest.raises(ValueError, match="name is empty"):
        find(service, "")
    wrong: Any = [(7, vim.VirtualMachine), ("x", str), ("x", ()), ("x", vim.Task)]
    for name, kind in wrong:
        with pytest.raises(TypeError):
            find(service, name, kind)
    datacenter: Any = 7
    with pytest.raises(TypeError, match="datacenter must be"):
        find(service, "x", datacenter=datacenter)
    entity: Any = "vm-1"
    with pytest.raises(TypeError, match="entity must be"):
        path_of(entity)


def test_the_root_folder_has_a_path(service: Any) -> None:
    assert path_of(service.content.rootFolder) == "/"


def test_two_vms_of_one_name_are_never_guessed(simulator: Simulator, service: Any) -> None:
    name = unique("twin")
    moids = [simulator.add_vm(name, disks=0, folder=folder) for folder in ("one/a", "two")]
    with pytest.raises(nfclease.AmbiguousNameError) as caught:
        find(service, name)
    paths = (f"/DC0/vm/one/a/{name}", f"/DC0/vm/two/{name}")
    assert caught.value.candidates == paths
    assert str(caught.value) == (
        f"VM '{name}': there are 2: {paths[0]} ({moids[0]}), {paths[1]} ({moids[1]}); "
        "give the path or the moId"
    )
    for moid, path in zip(moids, paths, strict=True):
        assert find(service, path)._moId == moid
        assert find(service, path.removeprefix("/DC0/vm/"))._moId == moid
        assert path_of(find(service, moid)) == path
    assert [row.path for row in list_vms(service, name)] == [*paths]
    assert [row.path for row in list_vms(service, f"one/**/{name}")] == [paths[0]]


def test_a_name_that_is_another_ones_moid_is_never_guessed(
    simulator: Simulator, service: Any, demo_vm: Any
) -> None:
    simulator.add_vm(demo_vm._moId, disks=0)
    with pytest.raises(nfclease.AmbiguousNameError):
        find(service, demo_vm._moId)
    assert find(service, f"VirtualMachine:{demo_vm._moId}") == demo_vm
