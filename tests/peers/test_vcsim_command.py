"""The command against vcsim, a vCenter that nobody here wrote: more than one place to choose."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pyVmomi import vim

from ..support.command import Command, objects
from ..support.inventory import unique
from ..support.packages import ova, package
from .run import Vcsim


def command(server: Vcsim) -> Command:
    environment = {
        "GOVC_URL": server.url,
        "GOVC_USERNAME": server.user,
        "GOVC_PASSWORD": server.password,
        "GOVC_INSECURE": "1",
    }
    return Command(environment)


@pytest.fixture
def nfclease(vcsim: Vcsim) -> Command:
    return command(vcsim)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "demo.ova"
    path.write_bytes(ova(package()))
    return path


def test_no_place_is_guessed(archive: Path, tmp_path: Path) -> None:
    """Of a server's own, since vcsim keeps what was added."""
    (tmp_path / "store").mkdir()
    with Vcsim() as server, server.connect() as service:
        nfclease = command(server)
        hosts = service.content.rootFolder.childEntity[0].hostFolder
        host = hosts.childEntity[0].host[0]
        system = host.configManager.datastoreSystem
        system.CreateLocalDatastore("Other", str(tmp_path / "store"))
        done = nfclease("import", archive)
        assert (done.code, done.stdout) == (2, "")
        assert "give --datastore or GOVC_DATASTORE: one of LocalDS_0 (" in done.stderr
        done = nfclease("import", archive, "--datastore", "Other", "--dry-run")
        assert done.code == 0, done.stderr
        assert " on Other, " in done.stdout
        hosts.CreateClusterEx("Second", vim.cluster.ConfigSpecEx())
        done = nfclease("import", archive)
    assert (done.code, done.stdout) == (2, "")
    pools = "/DC0/host/DC0_C0/Resources, /DC0/host/Second/Resources"
    assert f"give --pool or GOVC_RESOURCE_POOL: one of {pools}\n" in done.stderr


@pytest.mark.parametrize(
    "place",
    [
        ["--pool", "/DC0/host/DC0_C0/Resources"],
        ["--pool", "DC0_C0/Resources", "--folder", "/DC0/vm", "--datastore", "LocalDS_0"],
        ["--host", "DC0_C0_H0", "--network", "VM Network=DC0_DVPG0"],
    ],
)
def test_a_place_is_named(nfclease: Command, archive: Path, place: list[str]) -> None:
    name = unique("by-command")
    done = nfclease("import", archive, "--name", name, *place, "--json")
    assert done.code == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["path"], summary["verified"]) == (f"/DC0/vm/{name}", "manifest")


def test_dry_run_says_who_may(nfclease: Command, archive: Path) -> None:
    done = nfclease("import", archive, "--pool", "DC0_C0/Resources", "--dry-run", "--json")
    assert done.code == 0, done.stderr
    rows = objects(done.stdout)
    assert {row["held"] for row in rows if row["type"] == "privilege"} == {True}


def test_an_export(nfclease: Command, tmp_path: Path) -> None:
    """It writes no descriptors: what was begun is taken back."""
    target, name = os.fspath(tmp_path / "a.ova"), "DC0_C0_RP0_VM0"
    done = nfclease("export", name, "-o", target, "--dry-run", "--snapshot")
    assert done.code == 0, done.stderr
    assert f"/DC0/vm/{name} to {target}" in done.stdout
    done = nfclease("export", name, "-o", target, "--snapshot")
    assert done.code == 1
    assert "does not implement: CreateDescriptor (MethodNotFound)" in done.stderr
    assert list(tmp_path.iterdir()) == []
