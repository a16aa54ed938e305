"""``nfclease export``: what goes where, by which option, and what is said of it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

import nfclease as package_api
from nfclease.simulator import Simulator

from ..support.command import Command, objects
from ..support.denied import DENIED
from ..support.importing import calls_of
from ..support.inventory import unique
from ..support.leases import endings


def leases(simulator: Simulator) -> int:
    return sum(calls_of(simulator, name) for name in ("ExportVm", "ExportSnapshot", "ExportVApp"))


def test_a_directory(nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
    done = nfclease("export", "demo-vm", "-o", tmp_path / "out")
    assert done.code == 0, done.stderr
    assert package_api.verify(tmp_path / "out").ok
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith(f"{tmp_path / 'out'}: 4 files, ")
    assert done.stdout.endswith("MB/s), verified by the server's checksums; sha256 in demo-vm.mf\n")
    assert "disk-1.vmdk" in done.stderr
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.parametrize("name", ["/DC0/vm/demo-vm", "vm-101"])
def test_names_of_a_vm(nfclease: Command, tmp_path: Path, name: str) -> None:
    done = nfclease("export", name, "-o", tmp_path / "a.ova", "--quiet")
    assert (done.code, done.stdout, done.stderr) == (0, "", "")
    assert package_api.verify(tmp_path / "a.ova").ok


def test_json_has_a_row_for_each_file_and_a_summary(nfclease: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.ova"
    done = nfclease("export", "demo-vm", "-o", path, "--json")
    assert (done.code, done.stderr) == (0, "")
    *files, summary = objects(done.stdout)
    assert [(file["type"], file["name"], file["verified"]) for file in files] == [
        ("file", name, "manifest")
        for name in ("disk-1.vmdk", "disk-2.vmdk", "disk-3.vmdk", "demo-vm.nvram")
    ]
    with tarfile.open(path) as archive:
        for file in files:
            member = archive.extractfile(file["name"])
            assert member is not None
            assert hashlib.sha256(member.read()).hexdigest() == file["checksum"]
    assert summary["type"] == "summary"
    assert (summary["command"], summary["name"], summary["path"]) == (
        "export",
        "demo-vm",
        str(path),
    )
    assert (summary["files"], summary["verified"]) == (4, "manifest")
    assert summary["bytes"] == sum(file["size"] for file in files)
    assert summary["rate"] > 0
    assert summary["warnings"] == []


def test_a_pipe_gets_the_archive_and_nothing_else(nfclease: Command, tmp_path: Path) -> None:
    path = tmp_path / "piped.ova"
    with path.open("wb") as file:
        process = nfclease.start(
            "export", "demo-vm", "-o", "-", "--json", stdout=file, stdin=subprocess.DEVNULL
        )
        _, errors = process.communicate(timeout=90)
    assert process.returncode == 0, errors
    assert package_api.verify(path, strict=True).ok
    said, *rows = errors.splitlines()
    assert "spooled" in said
    assert objects("\n".join(rows))[-1]["path"] is None


def test_from_a_pipe_into_an_import(
    nfclease: Command, simulator: Simulator, tmp_path: Path
) -> None:
    exporting = nfclease.start("export", "demo-vm", "-o", "-", stdin=subprocess.DEVNULL)
    importing = nfclease.start("import", "-", "--name", "by-pipe", stdin=exporting.stdout)
    assert exporting.stdout is not None
    exporting.stdout.close()
    exporting.stdout = None
    said, errors = importing.communicate(timeout=90)
    _, export_errors = exporting.communicate(timeout=90)
    assert (exporting.returncode, importing.returncode) == (0, 0), export_errors + errors
    assert said.startswith("/DC0/vm/by-pipe (vm-")
    assert "each as its manifest file says" in said
    sent = [file["sha1"] for file in simulator.vm_files("demo-vm") if file["kind"] == "nvram"]
    came = [file["received"] for file in simulator.vm_files("by-pipe") if file["kind"] == "nvram"]
    assert len(sent) == len(came) == 1
    assert endings(simulator) == ["HttpNfcLeaseComplete"] * 2


def test_a_terminal_gets_no_archive(nfclease: Command, simulator: Simulator) -> None:
    pty = pytest.importorskip("pty", reason="not run: no terminals here")
    import os

    leader, follower = pty.openpty()
    try:
        process = nfclease.start("export", "demo-vm", "-o", "-", stdout=follower)
        _, errors = process.communicate(timeout=90)
    finally:
        os.close(leader)
        os.close(follower)
    assert process.returncode == 2
    assert "standard output is a terminal" in errors
    assert calls_of(simulator, "Login") == 0


@pytest.mark.parametrize("algorithm", ["sha1", "sha512", "none"])
def test_checksum(nfclease: Command, tmp_path: Path, algorithm: str) -> None:
    done = nfclease("export", "demo-vm", "-o", tmp_path / "out", "--checksum", algorithm)
    assert done.code == 0, done.stderr
    manifest = tmp_path / "out" / "demo-vm.mf"
    if algorithm == "none":
        assert not manifest.exists()
        assert done.stdout.endswith("verified by the server's checksums\n")
    else:
        assert manifest.read_text().startswith(f"{algorithm.upper()}(demo-vm.ovf)= ")
        assert done.stdout.endswith(f"; {algorithm} in demo-vm.mf\n")


def test_name_and_overwrite(nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
    for path in (tmp_path / "a.ova", tmp_path / "out"):
        assert nfclease("export", "demo-vm", "-o", path, "--name", "golden").code == 0
        before = leases(simulator)
        done = nfclease("export", "demo-vm", "-o", path)
        assert done.code == 1
        assert done.stderr.count("--overwrite replaces") == 1
        assert leases(simulator) == before
        done = nfclease("export", "demo-vm", "-o", path, "--overwrite", "--max-concurrency", "1")
        assert done.code == 0, done.stderr
        assert package_api.inspect(path).name == "demo-vm.ovf"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.ova", "out"]


def test_a_limited_rate(nfclease: Command, tmp_path: Path) -> None:
    """Nine megabytes and more of three disks, and in again."""
    path = tmp_path / "a.ova"
    jobs: list[list[str]] = [
        ["export", "demo-vm", "-o", str(path)],
        ["import", str(path), "--name", "limited-by-rate"],
    ]
    for job in jobs:
        began = time.monotonic()
        done = nfclease(*job, "--limit-rate", "3.5 MB")
        assert done.code == 0, done.stderr
        assert time.monotonic() - began >= 9_000_000 / 3_500_000


@pytest.mark.parametrize(
    ("options", "left_out", "added"),
    [
        (["--include", "*.iso"], ["demo-vm.nvram"], ["disk-0.iso"]),
        (["--include", "*.iso", "--include", "*.NVRAM"], [], ["disk-0.iso"]),
        (["--exclude", "*.nvram"], ["demo-vm.nvram"], []),
        (["--exclude", "disk-2*"], ["disk-2.vmdk"], []),
        (["--include", "*", "--exclude", "*.nvram"], ["demo-vm.nvram"], ["disk-0.iso"]),
    ],
)
def test_include_and_exclude(
    nfclease: Command, tmp_path: Path, options: list[str], left_out: list[str], added: list[str]
) -> None:
    done = nfclease("export", "demo-vm", "-o", tmp_path / "out", *options)
    assert done.code == 0, done.stderr
    usual = {"disk-1.vmdk", "disk-2.vmdk", "disk-3.vmdk", "demo-vm.nvram"}
    files = {file.href for file in package_api.inspect(tmp_path / "out").files}
    assert files == usual - {*left_out} | {*added}


def test_a_pattern_without_a_file_is_told(nfclease: Command, tmp_path: Path) -> None:
    done = nfclease("export", "demo-vm", "-o", tmp_path / "out", "--exclude", "*.nvrm")
    assert done.code == 0
    assert done.stderr.endswith("nfclease: warning: no file is called like '*.nvrm'\n")


def test_export_options(nfclease: Command, tmp_path: Path) -> None:
    options = ["--export-option", "mac", "--export-option", "uuid"]
    done = nfclease("export", "demo-vm", "-o", tmp_path / "out", *options)
    assert done.code == 0, done.stderr
    assert "AddressOnParent" in (tmp_path / "out" / "demo-vm.ovf").read_text()
    done = nfclease("export", "demo-vm", "-o", tmp_path / "other", "--export-option", "macs")
    assert done.code == 1
    assert "the server has no 'macs'; it has: extraconfig, mac" in done.stderr


def test_a_running_vm(nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
    done = nfclease("export", "running-vm", "-o", tmp_path / "out")
    assert (done.code, simulator.leases()) == (1, [])
    said, advice = done.stderr.splitlines()
    assert said.endswith("(InvalidPowerState)")
    assert advice == "switch the VM off, or give --snapshot to export it as it runs"
    done = nfclease("export", "running-vm", "-o", tmp_path / "out", "--snapshot")
    assert done.code == 0, done.stderr
    assert package_api.verify(tmp_path / "out").ok
    assert ": the snapshot is as after a power failure" in done.stderr
    assert calls_of(simulator, "RemoveSnapshot_Task") == 1


def test_a_name_of_two(nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
    name = unique("twin")
    for team in ("one", "two"):
        simulator.add_vm(name, disks=1, disk_size=1 << 16, folder=team)
    target = tmp_path / "a.ova"
    done = nfclease("export", name, "-o", target)
    assert (done.code, done.stderr.count("\n")) == (1, 1)
    for team in ("one", "two"):
        assert f"/DC0/vm/{team}/{name} (vm-" in done.stderr
    assert leases(simulator) == 0
    done = nfclease("export", f"two/{name}", "-o", target, "--dry-run")
    assert done.code == 0, done.stderr
    assert f"/DC0/vm/two/{name} to " in done.stdout
    done = nfclease("export", "tw?/*", "-o", target, "--dry-run")
    assert done.code == 0, done.stderr


def test_a_vapp(nfclease: Command, tmp_path: Path) -> None:
    done = nfclease("export", "demo-vapp", "-o", tmp_path / "out")
    assert done.code == 0, done.stderr
    assert package_api.inspect(tmp_path / "out").systems[0].kind == "VirtualSystemCollection"
    done = nfclease("export", "demo-vapp", "-o", tmp_path / "other", "--snapshot")
    assert done.code == 2
    assert "is a vApp" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["no-such-vm", "-o", "out"], 1, "no-such-vm"),
        (["demo-vm", "-o", "no/such/place.ova"], 1, "the directory does not exist"),
        (["demo-vm", "-o", ""], 2, "-o is empty"),
        (["demo-vm", "-o", "out", "--name", "../x"], 1, "give --name to give the package another"),
        (["demo-vm", "-o", "out", "--checksum", "md5"], 2, "invalid choice"),
        (["demo-vm", "-o", "out", "--max-concurrency", "0"], 2, "must be 1 to 64, not 0"),
        (["demo-vm", "-o", "out", "--max-concurrency", "²"], 2, "is not a number of files"),
        (["demo-vm", "-o", "out", "--limit-rate", "20m"], 2, "such as 20000000, 20MB or 16MiB"),
        (["demo-vm", "-o", "out", "--limit-rate", "1kB"], 2, "must be 1024 to "),
        (["demo-vm", "-o", "out", "--qcow2-compression", "none"], 1, "is for --format qcow2"),
        (["demo-vm"], 2, "-o/--output"),
    ],
)
def test_what_is_wrong(
    nfclease: Command, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    done = nfclease("export", *arguments, cwd=tmp_path)
    assert (done.code, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 3
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way(nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    done = nfclease("export", "demo-vm", "-o", tmp_path / "file")
    assert done.code == 1
    assert "there is a file of this name" in done.stderr
    assert (tmp_path / "file").read_text() == "mine"
    assert calls_of(simulator, "Login") == 0


def test_damage_on_the_way_is_three(
    nfclease: Command, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("flip", match="disk-2", offset=4096)
    done = nfclease("export", "demo-vm", "-o", tmp_path / "a.ova")
    assert done.code == 3
    assert "disk-2.vmdk" in done.stderr
    assert "; run it again\n" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


def test_a_server_without_sums(nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
    simulator.inject("no_manifest")
    done = nfclease("export", "demo-vm", "-o", tmp_path / "a.ova")
    assert done.code == 0
    assert "verified by length and end alone: the server has no checksums" in done.stdout


def test_dry_run(nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
    done = nfclease("export", "demo-vm", "-o", tmp_path / "a.ova", "--dry-run")
    assert done.code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["DISK", "CAPACITY", "STORED", "FILE"]
    assert sum(line.startswith("Hard disk ") for line in lines) == 3
    assert any(line.split()[:2] == ["VApp.Export", "demo-vm"] for line in lines)
    assert lines[-1].startswith(f"/DC0/vm/demo-vm to {tmp_path / 'a.ova'}, ")
    assert lines[-1].endswith("nothing was done")
    done = nfclease("export", "demo-vm", "-o", tmp_path / "a.ova", "--dry-run", "--json")
    *rows, summary = objects(done.stdout)
    assert [row["type"] for row in rows] == ["disk"] * 3 + ["privilege"]
    assert rows[-1]["held"] is True
    assert (summary["dry_run"], summary["vm"]) == (True, "/DC0/vm/demo-vm")
    assert summary["capacity"] == sum(row["capacity"] for row in rows[:3])
    assert summary["free"] > 0
    assert summary["problems"] == []
    assert leases(simulator) == 0
    assert list(tmp_path.iterdir()) == []


def test_dry_run_of_a_vapp(nfclease: Command, tmp_path: Path) -> None:
    done = nfclease("export", "demo-vapp", "-o", "-", "--dry-run", "--json")
    assert done.code == 0, done.stderr
    *rows, summary = objects(done.stdout)
    assert [row["file"] for row in rows if row["type"] == "disk"] == [
        "[datastore1] vapp-vm/vapp-vm.vmdk"
    ]
    assert [row["call"] for row in rows if row["type"] == "privilege"] == [
        "ExportVApp, CreateDescriptor"
    ]
    assert (summary["path"], summary["disks"]) == (None, 1)


def test_dry_run_of_what_cannot_work(
    nfclease: Command, simulator: Simulator, tmp_path: Path
) -> None:
    done = nfclease("export", "running-vm", "-o", tmp_path / "a.ova", "--dry-run")
    assert done.code == 1
    assert "running-vm is not powered off: give --snapshot, or switch it off" in done.stderr
    assert done.stdout.endswith("it would fail\n")
    done = nfclease("export", "running-vm", "-o", tmp_path / "a.ova", "--dry-run", "--snapshot")
    assert done.code == 0, done.stderr
    assert "VirtualMachine.State.CreateSnapshot" in done.stdout
    assert calls_of(simulator, "CreateSnapshot_Task") == 0


def test_dry_run_of_who_may_not(nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
    simulator.inject("raw_reply", match="HasPrivilegeOnEntities", body=DENIED)
    done = nfclease("export", "demo-vm", "-o", tmp_path / "a.ova", "--dry-run")
    assert done.code == 1
    assert "this user lacks the privilege VApp.Export on demo-vm" in done.stderr
    assert done.stdout.endswith("it would fail\n")


def test_a_vm_that_a_lease_holds(
    nfclease: Command, simulator: Simulator, demo_vm: Any, tmp_path: Path
) -> None:
    held = demo_vm.ExportVm()
    try:
        done = nfclease("export", "demo-vm", "-o", tmp_path / "a.ova", "--dry-run")
        assert done.code == 1
        assert "a task holds demo-vm: " in done.stderr
    finally:
        held.Abort()


def test_dry_run_where_nobody_says_who_may(
    nfclease: Command, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("soap_fault", match="HasPrivilegeOnEntities")
    done = nfclease("export", "demo-vm", "-o", tmp_path / "a.ova", "--dry-run")
    assert done.code == 0, done.stderr
    assert "not known" in done.stdout


def test_it_is_a_module_too(nfclease: Command, tmp_path: Path) -> None:
    """What `subprocess` starts here is `python -m nfclease`; its program name is the command's."""
    done = subprocess.run(
        [sys.executable, "-m", "nfclease", "export", "--help"], capture_output=True, text=True
    )
    assert done.stdout.startswith("usage: nfclease export")


def test_images_for_another_hypervisor(nfclease: Command, tmp_path: Path) -> None:
    done = nfclease("export", "demo-vm", "--format", "raw", "-o", tmp_path / "out", "--json")
    assert done.code == 0, done.stderr
    *files, summary = objects(done.stdout)
    assert [file["format"] for file in files] == ["raw", "raw", "raw", None]
    assert summary["bytes"] == sum(file["size"] for file in files)
    assert package_api.verify(tmp_path / "out").ok


def test_images_in_an_archive(nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
    for target in (tmp_path / "a.ova", Path("-")):
        done = nfclease("export", "demo-vm", "--format", "raw", "-o", target)
        assert (done.code, done.stdout) == (2, "")
        assert "--format is for a directory" in done.stderr
    assert leases(simulator) == 0
