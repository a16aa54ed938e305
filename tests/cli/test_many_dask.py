"""``nfclease export --dask``: a real cluster of two worker processes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nfclease import verify
from nfclease.simulator import Simulator

from ..support.command import Command, objects
from ..support.inventory import unique
from ..support.waiting import wait_for

SIMULATOR = {"disk_size": 1 << 19}
# Of distributed and what it uses: it leaves sockets and loops to the collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def cluster(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two workers that have the password in their environment, or have none."""
    password = getattr(request, "param", True)
    if password:
        monkeypatch.setenv("GOVC_PASSWORD", request.getfixturevalue("simulator").password)
    else:
        monkeypatch.delenv("GOVC_PASSWORD", raising=False)
    distributed = pytest.importorskip("distributed", reason="not run: it is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, dashboard_address=None, silence_logs=logging.CRITICAL
    ) as made:
        wait_for(lambda: len(made.scheduler_info["workers"]) == 2, 60)
        yield made


def test_many_on_two_workers(
    nfclease: Command, simulator: Simulator, cluster: Any, folder: Path, tmp_path: Path
) -> None:
    names = [unique("dask") for _ in range(6)]
    for name in names:
        simulator.add_vm(name, disks=1, nvram=False)
    journal = tmp_path / "run.db"
    given = ["export", "--list", "-", "--dask", cluster.scheduler_address, "--json"]
    given += ["-o", str(folder / "{vm}.ova"), "--per-host", "2", "--journal", str(journal)]
    done = nfclease(*given, stdin="\n".join(names))
    assert done.code == 0, done.stderr
    assert objects(done.stdout)[-1]["done"] == 6
    assert sorted(path.stem for path in folder.iterdir()) == sorted(names)
    assert all(verify(path) for path in folder.iterdir())
    for path in (journal, Path(f"{journal}-wal")):
        assert not path.exists() or simulator.password.encode() not in path.read_bytes()
    # On threads of this machine the jobs have the same names.
    here = [each for each in given if each not in ("--dask", cluster.scheduler_address)]
    done = nfclease(*here, stdin="\n".join(names))
    assert (done.code, objects(done.stdout)[-1]["skipped"]) == (0, 6)


@pytest.mark.parametrize("cluster", [False], indirect=True)
def test_workers_without_a_password(nfclease: Command, cluster: Any, folder: Path) -> None:
    done = nfclease(
        *("export", "--list", "-", "--dask", cluster.scheduler_address, "-o", folder / "{vm}.ova"),
        stdin="demo-vm",
    )
    assert (done.code, done.stdout) == (2, "")
    assert "has no password: set GOVC_PASSWORD in the environment of each worker" in done.stderr
    assert [*folder.iterdir()] == []


def test_what_workers_cannot_do(nfclease: Command, folder: Path) -> None:
    done = nfclease(
        *("export", "--list", "-", "--dask", "tcp://127.0.0.1:1", "-o", folder / "{vm}.ova", "-k"),
        stdin="demo-vm",
    )
    assert (done.code, done.stdout) == (2, "")
    assert "nfclease: --dask does not go with --insecure" in done.stderr
