"""What the page "The same jobs by govc" says of both, seen on the same faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nfclease.simulator import Simulator

from ..peers.run import govc
from ..support.command import Command, govc_environment


def export_by_govc(simulator: Simulator, folder: Path, *options: str) -> Any:
    command = ["export.ovf", "-sha", "256", *options, "-vm", "demo-vm", str(folder)]
    return govc(*command, env=govc_environment(simulator))


def methods(simulator: Simulator) -> set[str]:
    return {call["method"] for call in simulator.calls()}


def test_a_wrong_byte(simulator: Simulator, nfclease: Command, tmp_path: Path) -> None:
    simulator.inject("flip", disk="disk-2.vmdk", offset=100_000)
    assert export_by_govc(simulator, tmp_path).returncode == 0
    assert "HttpNfcLeaseGetManifest" not in methods(simulator)
    done = nfclease("export", "demo-vm", "-o", str(tmp_path / "ours"))
    assert done.code == 3
    assert not (tmp_path / "ours").exists()


def test_a_connection_that_breaks(simulator: Simulator, nfclease: Command, tmp_path: Path) -> None:
    simulator.inject("cut", disk="disk-2.vmdk", count=1, after_bytes=4096)
    assert export_by_govc(simulator, tmp_path).returncode == 1
    assert (tmp_path / "demo-vm" / "demo-vm-disk-2.vmdk").exists()
    assert not {"HttpNfcLeaseAbort", "HttpNfcLeaseComplete"} & methods(simulator)
    simulator.expire()
    simulator.inject("cut", disk="disk-2.vmdk", count=1, after_bytes=4096)
    assert nfclease("export", "demo-vm", "-o", str(tmp_path / "ours")).code == 0


def test_what_an_export_takes(simulator: Simulator, nfclease: Command, tmp_path: Path) -> None:
    assert export_by_govc(simulator, tmp_path).returncode == 0
    assert nfclease("export", "demo-vm", "-o", str(tmp_path / "ours")).code == 0
    kinds = [{path.suffix for path in (tmp_path / name).iterdir()} for name in ("demo-vm", "ours")]
    assert kinds == [{".ovf", ".mf", ".vmdk"}, {".ovf", ".mf", ".vmdk", ".nvram"}]


def test_a_package_that_is_not_what_its_manifest_file_says(
    simulator: Simulator, nfclease: Command, tmp_path: Path
) -> None:
    package = tmp_path / "demo-vm.ova"
    assert nfclease("export", "demo-vm", "-o", package).code == 0
    whole = package.read_bytes()
    disk = whole.index(b"disk-2.vmdk\0")  # its header in the archive
    place = disk + 512 + 100_000
    package.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    env = govc_environment(simulator)
    assert govc("import.ova", "-name", "by-govc", str(package), env=env).returncode == 0
    assert nfclease("import", package, "--name", "ours").code == 3
    # The simulator's sums are SHA-1, the package's SHA-256.
    refused = govc("import.ova", "-m", "-name", "strictly", str(package), env=env)
    assert "mismatch" in refused.stderr
