"""``nfclease import``: by which option, what is refused, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease.simulator import Simulator

from ..support.command import Command, objects
from ..support.importing import calls_of, vm_names
from ..support.inventory import find, unique
from ..support.leases import endings
from ..support.packages import package, stream_disk, written

_PROPERTIES = """\
  <ProductSection ovf:class="app"><Info>p</Info><Product>Demo</Product>
    <Property ovf:key="size" ovf:type="uint16" ovf:userConfigurable="true" ovf:value="3"/>
    <Property ovf:key="fixed" ovf:type="string" ovf:value="x"/>
  </ProductSection>
"""


def test_an_archive(nfclease: Command, simulator: Simulator, service: Any, archive: Path) -> None:
    """Pool, datastore and folder are the only ones there are."""
    name = unique("imported")
    done = nfclease("import", archive, "--name", name)
    assert done.code == 0, done.stderr
    vm = find(service, vim.VirtualMachine, name)
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith(f"/DC0/vm/{name} ({vm._moId}): 2 files, ")
    assert done.stdout.endswith(
        "MB/s), verified by the server's checksums; each as its manifest file says\n"
    )
    assert "disk.vmdk" in done.stderr
    assert vm.runtime.powerState == "poweredOff"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_directory_and_a_descriptor(nfclease: Command, service: Any, tmp_path: Path) -> None:
    written(tmp_path, package(algorithm=None))
    for source in (tmp_path, tmp_path / "demo.ovf"):
        done = nfclease("import", source, "--name", unique("imported"))
        assert done.code == 0, done.stderr
        assert done.stdout.endswith("; no manifest file\n")
        assert "manifest file" in done.stderr


def test_json_has_a_row_for_each_file_and_a_summary(
    nfclease: Command, service: Any, archive: Path
) -> None:
    name = unique("imported")
    done = nfclease("import", archive, "--name", name, "--json", "--power-on")
    assert (done.code, done.stderr) == (0, "")
    *files, summary = objects(done.stdout)
    assert [
        (file["type"], file["name"], file["verified"], file["file_checksum_type"]) for file in files
    ] == [("file", "disk.vmdk", "manifest", "sha256"), ("file", "other.vmdk", "manifest", "sha256")]
    vm = find(service, vim.VirtualMachine, name)
    assert summary | {"seconds": 0, "rate": 0} == {
        "type": "summary",
        "command": "import",
        "name": name,
        "path": f"/DC0/vm/{name}",
        "entity": vm._moId,
        "powered_on": True,
        "files": 2,
        "bytes": sum(file["size"] for file in files),
        "seconds": 0,
        "rate": 0,
        "verified": "manifest",
        "warnings": [],
        "notes": [],
    }
    assert vm.runtime.powerState == "poweredOn"


def test_quiet_says_nothing(nfclease: Command, archive: Path) -> None:
    done = nfclease("import", archive, "--name", unique("imported"), "-q")
    assert done == (0, "", "")


def test_properties(nfclease: Command, service: Any, tmp_path: Path) -> None:
    written(tmp_path, package(sections=""))
    path = tmp_path / "demo.ovf"
    text = path.read_text().replace("  </VirtualSystem>", _PROPERTIES + "  </VirtualSystem>")
    path.write_text(text)
    (tmp_path / "demo.mf").unlink()
    name = unique("set")
    done = nfclease("import", path, "--name", name, "--property", "app.size=7")
    assert done.code == 0, done.stderr
    [prop] = [
        each
        for each in find(service, vim.VirtualMachine, name).config.vAppConfig.property
        if each.id == "size"
    ]
    assert (prop.value or prop.defaultValue) == "7"
    for wrong, said in [
        ("app.siez=7", "app.size"),
        ("app.size=many", "uint16"),
        ("app.fixed=y", "not userConfigurable"),
    ]:
        done = nfclease("import", path, "--property", wrong)
        assert done.code == 1
        assert said in done.stderr


def test_strict(nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
    written(tmp_path, package(algorithm=None))
    done = nfclease("import", tmp_path, "--strict")
    assert done.code == 1
    assert "manifest" in done.stderr
    assert calls_of(simulator, "ImportVApp") == 0


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--pool", "no-such"], 1, "no-such"),
        (["--datastore", "no-such"], 1, "no-such"),
        (["--folder", "no-such"], 1, "no-such"),
        (["--host", "no-such"], 1, "no-such"),
        (["--network", "VM Network=no-such"], 1, "no-such"),
        (["--network", "no-such=Lab Network"], 1, "it has 'VM Network'"),
        (["--network", "VM Network="], 2, "names no network"),
        (["--network", "=Lab Network"], 2, "not KEY=VALUE"),
        (["--property", "novalue"], 2, "not KEY=VALUE"),
        (["--property", "a.b=5"], 1, "--property: the descriptor has no property 'a.b'"),
        (["--deployment-option", "huge"], 1, "huge"),
        (["--disk-provisioning", "fat"], 1, "--disk-provisioning must be one of"),
        (["--pull"], 2, "--pull is for an https URL"),
        (["--ca-file", "x.pem"], 2, "--ca-file is for an https URL"),
        (["--ssl-thumbprint", "AA"], 2, "--ssl-thumbprint is for an https URL"),
        (["--max-concurrency", "65"], 2, "must be 1 to 64, not 65"),
    ],
)
def test_what_is_wrong(
    nfclease: Command,
    simulator: Simulator,
    archive: Path,
    options: list[str],
    code: int,
    said: str,
) -> None:
    done = nfclease("import", archive, *options)
    assert (done.code, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 3
    assert calls_of(simulator, "ImportVApp") == 0


def test_a_damaged_package_is_three_and_no_vm(
    nfclease: Command, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    members = package({"disk.vmdk": stream_disk(64)})
    data = bytearray(members["disk.vmdk"])
    data[4096] ^= 1
    written(tmp_path, members | {"disk.vmdk": bytes(data)})
    name = unique("damaged")
    done = nfclease("import", tmp_path, "--name", name)
    assert done.code == 3
    assert "disk.vmdk" in done.stderr
    assert name not in vm_names(service)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_dry_run(nfclease: Command, simulator: Simulator, service: Any, archive: Path) -> None:
    name = unique("dry")
    done = nfclease("import", archive, "--name", name, "--dry-run", "--power-on")
    assert done.code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["FILE", "SIZE", "CAPACITY", "CHECKSUM"]
    assert lines[1].split() == ["disk.vmdk", "5.6", "kB", "1", "MiB", "sha256"]
    assert any(line.split() == ["VM", "Network", "VM", "Network"] for line in lines)
    assert any(line.startswith("VirtualMachine.Interact.PowerOn") for line in lines)
    assert lines[-1].startswith(f"/DC0/vm/{name} in /DC0/host/Cluster/Resources on datastore1, ")
    assert lines[-1].endswith("nothing was done")
    done = nfclease("import", archive, "--name", name, "--dry-run", "--json")
    *rows, summary = objects(done.stdout)
    kinds = [row["type"] for row in rows]
    assert kinds == ["file"] * 2 + ["network"] + ["privilege"] * 6
    assert {row["held"] for row in rows if row["type"] == "privilege"} == {True}
    assert (summary["name"], summary["path"]) == (name, f"/DC0/vm/{name}")
    assert (summary["bytes"], summary["capacity"]) == (sum(r["size"] for r in rows[:2]), 2 << 20)
    assert calls_of(simulator, "ImportVApp") == 0
    assert name not in vm_names(service)


def test_dry_run_of_a_name_that_is_taken(nfclease: Command, archive: Path) -> None:
    done = nfclease("import", archive, "--name", "demo-vm", "--dry-run")
    assert done.code == 1
    assert "there is something called demo-vm in the folder" in done.stderr
    assert done.stdout.endswith("it would fail\n")
    done = nfclease("import", archive, "--name", "demo-vm")
    assert (done.code, done.stdout) == (1, "")
    assert "give another one by --name" in done.stderr
