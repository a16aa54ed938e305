"""`nfclease ls`, `leases` and `release`, as processes beside the simulator."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import Disconnect

from nfclease.inventory import blocking_tasks, find
from nfclease.simulator import Simulator

from ..support.command import Command, Done, objects
from ..support.inventory import unique
from ..support.waiting import wait_for


@pytest.fixture
def name(simulator: Simulator) -> Iterator[str]:
    """A VM of its own, that nothing holds yet."""
    made = unique("held")
    simulator.add_vm(made, disks=1)
    yield made
    simulator.free_vm(made)


def rows(done: Done) -> list[dict[str, Any]]:
    assert done.code == 0, done.stderr
    assert done.stderr == ""
    return objects(done.stdout)


def test_ls_shows_a_table(nfclease: Command) -> None:
    done = nfclease("ls", "*-vm")
    assert (done.code, done.stderr) == (0, "")
    head, *lines = [line.split() for line in done.stdout.splitlines()]
    assert head == ["MOID", "POWER", "SIZE", "PATH"]
    assert [(line[1], line[-1]) for line in lines] == [
        ("off", "/DC0/vm/demo-vapp/vapp-vm"),
        ("off", "/DC0/vm/demo-vm"),
        ("on", "/DC0/vm/running-vm"),
    ]


def test_ls_shows_objects_and_paths(nfclease: Command) -> None:
    [row] = rows(nfclease("ls", "/DC0/vm/demo-*", "--json"))
    assert row["moid"].startswith("vm-")
    assert (row["type"], row["name"], row["path"], row["power_state"]) == (
        "vm",
        "demo-vm",
        "/DC0/vm/demo-vm",
        "poweredOff",
    )
    assert row["committed"] > 0
    done = nfclease("ls", "--quiet", "demo-vapp/")
    assert done == Done(0, "/DC0/vm/demo-vapp/vapp-vm\n", "")
    assert nfclease("ls", "-q", row["moid"]).stdout == "/DC0/vm/demo-vm\n"


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        ("vapp", ["/DC0/vm/demo-vapp"]),
        ("pool", ["/DC0/host/Cluster/Resources", "/DC0/vm/demo-vapp"]),
        ("cluster", ["/DC0/host/Cluster"]),
        ("host", ["/DC0/host/Cluster/esx-1.example"]),
        ("datastore", ["/DC0/datastore/datastore1"]),
        ("network", ["/DC0/network/Lab Network", "/DC0/network/VM Network"]),
        ("datacenter", ["/DC0"]),
    ],
)
def test_ls_shows_what_an_import_is_put_into(
    nfclease: Command, kind: str, paths: list[str]
) -> None:
    assert [row["path"] for row in rows(nfclease("ls", "--type", kind, "--json"))] == paths


def test_ls_of_what_is_not_there(nfclease: Command) -> None:
    done = nfclease("ls", "demo-wm")
    assert (done.code, done.stdout) == (1, "")
    assert "VM 'demo-wm' not found; similar: /DC0/vm/demo-vm (vm-" in done.stderr
    assert nfclease("ls", "nothing*") == Done(1, "", "nfclease: no vm matches 'nothing*'\n")
    done = nfclease("ls", "demo-vm", env={"GOVC_DATACENTER": "DC9"})
    assert (done.code, done.stdout) == (1, "")
    assert "datacenter 'DC9' not found; similar: /DC0 (datacenter-2)" in done.stderr
    assert nfclease("ls", "/DC0/vm/demo-vm", env={"GOVC_DATACENTER": "DC9"}).code == 0


def test_leases_lists_who_holds_what(nfclease: Command, simulator: Simulator, name: str) -> None:
    assert nfclease("leases") == Done(0, "", "no lease holds anything that this user can see\n")
    assert rows(nfclease("leases", "--json")) == []
    moid = simulator.hold_vm(name, user="EXAMPLE\\robot", age=600)
    simulator.hold_vm(name, method="CloneVM_Task")
    [row] = rows(nfclease("leases", "--json"))
    assert (row["task"], row["name"], row["user"]) == (moid, name, "EXAMPLE\\robot")
    assert (row["operation"], row["state"]) == ("VirtualMachine.exportVm", "running")
    head, line = nfclease("leases").stdout.splitlines()
    assert head.split() == ["TASK", "SINCE", "USER", "OPERATION", "OF"]
    assert line.split()[0] == moid
    assert line.split()[-1] == name


def test_release_cancels_the_task_of_a_client_that_died(
    nfclease: Command, simulator: Simulator, service: Any, name: str
) -> None:
    lost = simulator.connect()
    find(lost, name).ExportVm()
    Disconnect(lost)
    done = nfclease("release", name)
    assert (done.code, done.stdout) == (2, "")
    assert (
        "nobody can be asked: standard input is not a terminal; --yes cancels task-" in done.stderr
    )
    vm = find(service, name)
    assert blocking_tasks(vm)
    done = nfclease("release", name, "--yes")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.endswith(f" is cancelled: {name} is released and free\n")
    assert blocking_tasks(vm) == []
    assert nfclease("release", name, "--yes") == Done(0, f"{name} is free: no lease holds it\n", "")
    assert rows(nfclease("release", name, "--json")) == [
        {"type": "summary", "command": "release", "cancelled": None, "free": True, "left": []}
    ]


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("yes", 0), ("n", 1), ("", 1)])
def test_release_asks_at_a_terminal(
    nfclease: Command, simulator: Simulator, service: Any, name: str, answer: str, code: int
) -> None:
    simulator.hold_vm(name, user="EXAMPLE\\robot")
    master, slave = pty.openpty()
    process = nfclease.start("release", name, stdin=slave, stdout=subprocess.PIPE)
    os.close(slave)
    os.write(master, f"{answer}\n".encode())
    out, err = process.communicate(timeout=60)
    os.close(master)
    assert process.returncode == code, err
    assert "VirtualMachine.exportVm of EXAMPLE\\robot, running since " in err
    assert ": cancel it? [y/N] " in err
    assert bool(blocking_tasks(find(service, name))) == bool(code)
    assert ("nothing was cancelled" in err) == bool(code)
    assert bool(out) != bool(code)


def test_release_leaves_other_tasks_alone(
    nfclease: Command, simulator: Simulator, service: Any, name: str
) -> None:
    clone = simulator.hold_vm(name, method="CloneVM_Task")
    done = nfclease("release", name, "--yes")
    assert (done.code, done.stdout) == (1, "")
    assert f"{name} is held, but not by a lease: {clone}: " in done.stderr
    done = nfclease("release", name, "--yes", "--task", clone)
    assert done.code == 2
    assert "is not the task of a lease" in done.stderr
    assert [task.key for task in blocking_tasks(find(service, name))] == [clone]


def test_release_of_one_of_many(nfclease: Command, simulator: Simulator, name: str) -> None:
    first, second = simulator.hold_vm(name, age=60), simulator.hold_vm(name, age=6)
    done = nfclease("release", name, "--yes")
    assert done.code == 2
    assert f"more than one lease holds {name}: {first}: " in done.stderr
    assert done.stderr.endswith("; name it: --task\n")
    done = nfclease("release", name, "--yes", "--task", first, "--json")
    row = json.loads(done.stdout)
    assert (done.code, row["cancelled"]["task"], row["free"]) == (1, first, False)
    assert [task["task"] for task in row["left"]] == [second]
    assert nfclease("release", name, "--yes").code == 0
    assert nfclease("release", name, "--task", "task-0").code == 2


def test_release_of_what_cannot_be_cancelled(
    nfclease: Command, simulator: Simulator, name: str
) -> None:
    moid = simulator.hold_vm(name, cancelable=False)
    done = nfclease("release", name, "--yes")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"nfclease: {moid}: VirtualMachine.exportVm of somebody@")
    assert done.stderr.endswith(" cannot be cancelled now; wait for its end\n")


def test_release_of_a_name_of_two(nfclease: Command, simulator: Simulator) -> None:
    twin = unique("twin")
    for folder in ("one", "two"):
        simulator.add_vm(twin, disks=0, folder=folder)
    done = nfclease("release", twin, "--yes")
    assert (done.code, done.stdout) == (1, "")
    assert f"/DC0/vm/one/{twin} (vm-" in done.stderr
    assert f"/DC0/vm/two/{twin} (vm-" in done.stderr


def test_a_killed_export_is_found_and_its_vm_released(
    nfclease: Command, simulator: Simulator, name: str, tmp_path: Path
) -> None:
    """From `kill -9` to the next export, by commands alone."""
    simulator.set(exclusive_leases=True)
    simulator.inject("stall", method="GET", seconds=None, count=1)
    process = nfclease.start("export", name, "-o", tmp_path / "first.ova")
    wait_for(simulator.requests, 60)
    process.kill()
    process.communicate()
    simulator.clear()
    done = nfclease("export", name, "-o", tmp_path / "second.ova")
    assert (done.code, done.stdout) == (1, "")
    assert re.search(
        rf"^nfclease: the VM {name} \(vm-\d+\) is held by task-\d+: VirtualMachine\.exportVm of "
        rf"{re.escape(simulator.user)}, running since ",
        done.stderr,
        re.MULTILINE,
    )
    assert not (tmp_path / "second.ova").exists()
    [row] = rows(nfclease("leases", "--json"))
    assert row["name"] == name
    assert nfclease("release", name, "--yes").code == 0
    assert nfclease("export", name, "-o", tmp_path / "second.ova").code == 0
