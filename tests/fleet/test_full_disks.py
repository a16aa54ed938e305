"""A disk that is full at the seventh of twenty exports: the rest stops, or goes on, as asked."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nfclease.fleet import Journal
from nfclease.simulator import Simulator

from ..support.failing_calls import mounted, mounting
from ..support.inventory import unique
from ..support.journals import states
from ..support.leases import endings
from .conftest import VARIABLE

LARGE, SMALL = 2 << 20, 1 << 14


@pytest.fixture
def vms(simulator: Simulator) -> list[str]:
    """Twelve large ones, each smaller than the one before, and then eight small ones."""
    names = [unique("full") for _ in range(20)]
    for number, name in enumerate(names):
        size = LARGE - (number << 15) if number < 12 else SMALL
        simulator.add_vm(name, disks=1, disk_size=size, nvram=False)
    return names


def room_for_six(simulator: Simulator, vms: list[str]) -> str:
    """The size of a file system with room for the first six and the small ones."""
    sizes = [file["size"] for vm in vms for file in simulator.vm_files(vm)]
    archive = 25_000  # what there is beside a disk: descriptor, manifest file, padding
    small = sum(sizes[12:]) + 8 * archive
    assert min(sizes[6:12]) > small + 6 * archive
    return str(sum(sizes[:6]) + 6 * archive + small)


def script(
    simulator: Simulator,
    disk: Path,
    size: str,
    how: str,
    vms: list[str],
    spare: int = 0,
    **options: Any,
) -> list[dict[str, Any]]:
    """What each run of the script says, on a file system of this size at `disk`."""
    disk.mkdir()
    command = mounting(disk, f"size={size}")
    if spare:
        fill = f'head -c {spare} /dev/zero > "$0"; exec "$@"'
        command += ["sh", "-c", fill, str(disk / "spare")]
    command += [sys.executable, "-m", "tests.fleet.run_on_small_disk", str(simulator.port)]
    command += [simulator.user, simulator.ca_file or "", str(disk), f"{disk}.db", how]
    command += [json.dumps(options), str(disk / "spare") if spare else "-", *vms]
    done = subprocess.run(
        command,
        env={**os.environ, VARIABLE: simulator.password},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def held(simulator: Simulator) -> list[Any]:
    return [each for each in simulator.leases() if each["state"] in ("initializing", "ready")]


@mounted
@pytest.mark.parametrize("how", ["stop", "go on"])
def test_the_seventh_of_twenty_has_no_room(
    simulator: Simulator, vms: list[str], tmp_path: Path, how: str
) -> None:
    [said] = script(simulator, tmp_path / "disk", room_for_six(simulator, vms), how, vms)
    outcomes = {each["vm"]: each for each in said["outcomes"]}
    found = [outcomes[vm]["state"] for vm in vms]
    if how == "stop":
        assert found == ["done"] * 6 + ["failed"] + ["cancelled"] * 13
    else:
        assert found == ["done"] * 6 + ["failed"] * 6 + ["done"] * 8
    failed = [each for each in said["outcomes"] if each["state"] == "failed"]
    for each in failed:
        assert each["failure"]["verdict"] == "never"
        assert f"[Errno {errno.ENOSPC}]" in each["failure"]["reason"]
        assert str(tmp_path / "disk") in each["failure"]["reason"]
        assert each["attempts"] == 1
    done = [vm for vm, state in zip(vms, found, strict=True) if state == "done"]
    assert said["there"] == sorted(f"{vm}.ova" for vm in done)
    assert all(said["verified"])
    assert held(simulator) == []
    assert endings(simulator).count("HttpNfcLeaseComplete") == len(done)
    assert endings(simulator).count("HttpNfcLeaseAbort") == len(failed)
    journal = tmp_path / "disk.db"
    rows = {key.split()[-3]: state for key, state in states(journal).items()}
    # Those that never began are what they were.
    assert rows == {
        vm: "planned" if state == "cancelled" else state
        for vm, state in zip(vms, found, strict=True)
    }
    with Journal(journal) as opened:
        assert opened.interrupted() == []
        ended = [(each.vm, each.state) for each in opened.outcomes()]
        began = [vm for vm in vms if outcomes[vm]["state"] != "cancelled"]
        assert sorted(ended) == sorted((vm, outcomes[vm]["state"]) for vm in began)
        assert all(opened.done(key) is None for key in states(journal))  # not there any more


@mounted
@pytest.mark.parametrize("suffix", ["", ".ova"])
def test_verified_disks_are_kept_until_there_is_room(
    simulator: Simulator, tmp_path: Path, suffix: str
) -> None:
    """Two of three disks fit; after that the spare file is removed, and the second run goes on."""
    name = unique("resumed")
    simulator.add_vm(name, disks=3, disk_size=LARGE, nvram=False)
    options = {"resume": True, "max_concurrency": 1, "suffix": suffix}
    first, second = script(
        simulator, tmp_path / "disk", "17000k", "go on", [name], 11_800_000, **options
    )
    [failed] = first["outcomes"]
    assert (failed["state"], failed["failure"]["verdict"]) == ("failed", "never")
    assert f"[Errno {errno.ENOSPC}]" in failed["failure"]["reason"]
    assert first["there"] == [f".{name}{suffix}.resume", "spare"]
    [done] = second["outcomes"]
    assert (done["state"], second["there"], second["verified"]) == (
        "done",
        [f"{name}{suffix}"],
        [True],
    )
    fetched = [each["disk"].split()[0] for each in simulator.requests()]
    assert [fetched.count(f"disk-{number}.vmdk") for number in (0, 1)] == [1, 1], fetched
    assert fetched.count("disk-2.vmdk") >= 2
    assert held(simulator) == []
    assert [*states(tmp_path / "disk.db").values()] == ["done"]
