"""``nfclease copy``: from one simulator to another, and what is said of the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease.simulator import Simulator

from ..support.command import Command, govc_environment, objects
from ..support.denied import DENIED
from ..support.importing import vm_names
from ..support.inventory import connected, find, unique
from ..support.leases import endings, methods
from .interrupting import Interrupting
from .moments import moved

SIMULATOR = {"disk_size": 1 << 19}
COMPLETE, ABORT = "HttpNfcLeaseComplete", "HttpNfcLeaseAbort"


@pytest.fixture
def other() -> Iterator[Simulator]:
    """The vCenter that gets the copy; its user and password are others."""
    with Simulator(disk_size=1 << 19) as made:
        yield made


@pytest.fixture
def there(other: Simulator) -> Iterator[Any]:
    yield from connected(other)


def variables(simulator: Simulator, other: Simulator) -> dict[str, str]:
    """The login at both: govc's for the source, and for the target by its own prefix."""
    theirs = govc_environment(other)
    return govc_environment(simulator) | {
        name.replace("GOVC_", "NFCLEASE_TO_"): value for name, value in theirs.items()
    }


@pytest.fixture
def copy(simulator: Simulator, other: Simulator) -> Command:
    return Command(variables(simulator, other))


def test_a_copy(copy: Command, simulator: Simulator, other: Simulator, there: Any) -> None:
    name = unique("copied")
    given = ("--name", name, "--network", "Lab Network", "--limit-rate", "50MB")
    done = copy("copy", "demo-vm", *given, "--pool", "Cluster/Resources")
    assert done.code == 0, done.stderr
    assert done.stdout.startswith(f"/DC0/vm/{name} (vm-")
    assert done.stdout.endswith("MB/s), verified by the server's checksums\n")
    assert "disk-1.vmdk" in done.stderr
    assert endings(simulator) == endings(other) == [COMPLETE]
    vm = find(there, vim.VirtualMachine, name)
    assert [network.name for network in vm.network] == ["Lab Network"]
    for each in (simulator, other):
        assert methods(each, "Login", "Logout")[-1] == "Logout"


def test_rows_and_options(copy: Command, other: Simulator, there: Any, tmp_path: Path) -> None:
    """Options say it all as well; what govc has for itself is not for the target."""
    name = unique("by-options")
    secret = tmp_path / "secret"
    secret.write_text(other.password)
    secret.chmod(0o600)
    given = ["--to", other.url, "--to-username", other.user, "--to-password-file", str(secret)]
    given += ["--to-datacenter", "DC0", "--name", name, "--power-on", "--json"]
    if other.ca_file is not None:
        given += ["--to-tls-ca-certs", other.ca_file]
    env: dict[str, str | None] = {"GOVC_RESOURCE_POOL": "no-such", "GOVC_NETWORK": "no-such"}
    env |= {name: None for name in copy.environment if name.startswith("NFCLEASE_TO_")}
    done = copy("copy", "demo-vm", *given, env=env)
    assert (done.code, done.stderr) == (0, "")
    *files, summary = objects(done.stdout)
    assert {file["verified"] for file in files} == {"manifest"}
    assert (summary["command"], summary["path"]) == ("copy", f"/DC0/vm/{name}")
    assert summary["bytes"] == sum(file["size"] for file in files)
    assert find(there, vim.VirtualMachine, name).runtime.powerState == "poweredOn"


def test_dry_run(copy: Command, simulator: Simulator, other: Simulator, there: Any) -> None:
    name = unique("dry")
    given = ("copy", "demo-vm", "--name", name, "--pool", "Cluster/Resources", "--dry-run")
    done = copy(*given, "--power-on", "--network", "Lab Network")
    assert done.code == 0, done.stderr
    assert f"/DC0/vm/demo-vm to /DC0/vm/{name} in /DC0/host/Cluster/Resources on" in done.stdout
    assert done.stdout.endswith("at 25 MB/s a stream; nothing was done\n")
    assert "NO" not in done.stdout
    *rows, summary = objects(copy(*given, "--json").stdout)
    kinds = [row["type"] for row in rows]
    assert [kinds.count(kind) for kind in ("disk", "host", "privilege")] == [3, 1, 6]
    [host] = [row for row in rows if row["type"] == "host"]
    assert (host["disks"], host["bytes"]) == (3, summary["stored"])
    assert summary["seconds"] == pytest.approx(host["seconds"], abs=1e-3)
    assert (summary["vm"], summary["path"]) == ("/DC0/vm/demo-vm", f"/DC0/vm/{name}")
    assert (summary["dry_run"], summary["problems"]) == (True, [])
    assert simulator.calls("ExportVm") == other.calls("ImportVApp") == []
    assert name not in vm_names(there)


def test_dry_run_of_a_vapp(copy: Command) -> None:
    done = copy("copy", "demo-vapp", "--name", unique("dry"), "--dry-run", "--json")
    assert done.code == 0, done.stderr
    *rows, summary = objects(done.stdout)
    files = [row["file"] for row in rows if row["type"] == "disk"]
    assert (files, summary["disks"]) == (["[datastore1] vapp-vm/vapp-vm.vmdk"], 1)
    assert [row["host"] for row in rows if row["type"] == "host"] == [""]


def test_dry_run_of_what_cannot_work(copy: Command, simulator: Simulator, other: Simulator) -> None:
    """A VM that runs, a name that is taken there, and what the user may not do at either end."""
    for each in (simulator, other):
        each.inject("raw_reply", match="HasPrivilegeOnEntities", body=DENIED, count=1)
    done = copy("copy", "running-vm", "--name", "demo-vm", "--dry-run", "--json")
    assert done.code == 1
    problems = objects(done.stdout)[-1]["problems"]
    for said in ("not powered off", "something called demo-vm", "VApp.Export", "VApp.Import"):
        assert [said in text for text in problems].count(True) == 1, problems
    assert simulator.calls("ExportVm") == other.calls("ImportVApp") == []


@pytest.mark.parametrize(
    ("env", "given", "code", "said"),
    [
        ({"NFCLEASE_TO_URL": None}, [], 2, "give --to or set NFCLEASE_TO_URL"),
        ({"NFCLEASE_TO_USERNAME": None}, [], 2, "--to-username or set NFCLEASE_TO_USERNAME"),
        ({"NFCLEASE_TO_PASSWORD": None}, [], 2, "NFCLEASE_TO_PASSWORD, or give --to-password-file"),
        ({"NFCLEASE_TO_PASSWORD": "wrong"}, [], 1, "the password is from NFCLEASE_TO_PASSWORD"),
        ({"NFCLEASE_TO_RESOURCE_POOL": "no-pool"}, [], 1, "resource pool 'no-pool' not found"),
        ({"NFCLEASE_TO_TLS_CA_CERTS": None, "GOVC_TLS_CA_CERTS": "{own}"}, [], 1, "is not trusted"),
        ({}, ["--network", "no-network"], 1, "no-network"),
    ],
)
def test_what_is_wrong_with_the_other(
    copy: Command,
    simulator: Simulator,
    other: Simulator,
    env: dict[str, str | None],
    given: list[str],
    code: int,
    said: str,
) -> None:
    if env.get("GOVC_TLS_CA_CERTS"):
        if simulator.ca_file is None:
            pytest.skip("not run: the simulator has no TLS")
        env = env | {"GOVC_TLS_CA_CERTS": simulator.ca_file}
    done = copy("copy", "demo-vm", *given, env=env)
    assert (done.code, done.stdout) == (code, "")
    assert said in done.stderr
    assert other.password not in done.stderr
    assert endings(simulator) == endings(other) == []


def test_a_signal_aborts_both(
    interrupting: Interrupting,
    simulator: Simulator,
    other: Simulator,
    there: Any,
    tmp_path: Path,
) -> None:
    name = unique("cut-short")
    spool = tmp_path / "spool"
    spool.mkdir()
    moment = moved("disk-1", 70_000, "in the middle of a disk")
    moment.hold(simulator)
    env = variables(simulator, other) | {"TMPDIR": str(spool)}
    process = interrupting.start("copy", "demo-vm", "--name", name, "--quiet", env=env)
    interrupting.until(moment)
    process.send_signal(2)
    done = interrupting.ended()
    assert (done.code, done.stdout) == (130, "")
    assert endings(simulator) == endings(other) == [ABORT]
    assert [*spool.iterdir()] == []
    assert name not in vm_names(there)
