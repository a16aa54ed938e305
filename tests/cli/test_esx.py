"""Export and import with a single host, whose deviceUrls name it with a star."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nfclease import verify
from nfclease.simulator import Simulator

from ..support.command import Command, govc_environment


@pytest.fixture
def nfclease() -> Iterator[Command]:
    with Simulator(esx=True, disk_size=1 << 20, initializing=0.05) as simulator:
        yield Command(govc_environment(simulator))


def test_out_and_in(nfclease: Command, tmp_path: Path) -> None:
    done = nfclease("export", "demo-vm", "-o", tmp_path / "a.ova")
    assert done.code == 0, done.stderr
    assert verify(tmp_path / "a.ova").ok
    done = nfclease("import", tmp_path / "a.ova", "--name", "copy")
    assert done.code == 0, done.stderr
    assert done.stdout.startswith("/ha-datacenter/vm/copy (")
