"""Each command does its job, once."""

from __future__ import annotations

import json
from pathlib import Path

from nfclease.simulator import Simulator

from ..support.command import Command


def test_export_and_import(nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
    package = tmp_path / "demo-vm.ova"
    done = nfclease("export", "/DC0/vm/demo-vm", "-o", package, "--json")
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["path"] == str(package)
    done = nfclease("verify", package)
    assert done.code == 0, done.stderr
    pool = "/DC0/host/Cluster/Resources"
    done = nfclease("import", package, "--pool", pool, "--name", "by-command")
    assert done.code == 0, done.stderr
    assert simulator.vm_files("by-command")


def test_help_of_each() -> None:
    run = Command({})
    for name in ("export", "import", "verify", "inspect", "ls", "leases", "release", "completion"):
        done = run(name, "--help")
        assert (done.code, done.stderr) == (0, "")
        assert done.stdout.startswith(f"usage: nfclease {name}")


def test_wrong_usage_is_two() -> None:
    run = Command({})
    for arguments in ([], ["no-such"], ["export"], ["ls", "--no-such"]):
        done = run(*arguments)
        assert (done.code, done.stdout) == (2, "")
        assert done.stderr.startswith("nfclease")
        assert done.stderr.count("\n") == 2
