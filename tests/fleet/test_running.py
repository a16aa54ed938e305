"""Whole runs on threads of this process, against the simulator."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import fleet
from nfclease.simulator import Simulator

from ..support.inventory import find, unique


def logins(simulator: Simulator) -> int:
    return len(simulator.calls("Login"))


def test_vms_by_moid_uuid_path_and_name_are_exported_and_verify(
    simulator: Simulator, lab: str, tmp_path: Path
) -> None:
    names = [unique("web") for _ in range(4)]
    moids = [simulator.add_vm(name, disks=1, disk_size=1 << 16) for name in names]
    service = simulator.connect()
    uuid = find(service, nfclease_vm(), names[1]).config.instanceUuid
    called = [moids[0], uuid, f"/DC0/vm/{names[2]}", names[3]]
    simulator.reset()
    events: list[fleet.Event] = []
    results: list[fleet.Outcome] = []
    summary = fleet.run(
        [fleet.ExportJob(lab, vm, f"{tmp_path}/{{date}}/{{vm}}.ova") for vm in called],
        progress=events.append,
        on_result=results.append,
    )
    assert results == list(summary.outcomes)
    assert {each.vm for each in summary.done} == {*called}
    for each in summary.done:
        [file] = each.files
        status = Path(each.target).stat()
        assert (file.path, file.size, file.mtime_ns) == (
            each.target,
            status.st_size,
            status.st_mtime_ns,
        )
        assert nfclease.verify(each.target)
    assert {Path(each.target).stem for each in summary.done} == {*names}
    assert len({Path(each.target).parent for each in summary.done}) == 1
    assert logins(simulator) == 1
    assert len(simulator.calls("Logout")) == 1
    kinds = [event.kind for event in events]
    assert [kinds.count(kind) for kind in ("planned", "started", "ended")] == [4, 4, 4]
    assert pickle.loads(pickle.dumps(summary)) == summary


@pytest.mark.parametrize("is_watched", [True, False])
def test_of_images_the_bytes_that_moved_are_counted(
    simulator: Simulator, lab: str, tmp_path: Path, *, is_watched: bool
) -> None:
    name = unique("image")
    simulator.add_vm(name, disks=2, disk_size=1 << 20)
    sent = sum(int(file["size"]) for file in simulator.vm_files(name))
    job = fleet.ExportJob(lab, name, f"{tmp_path}/{{vm}}", {"disk_format": "raw"})
    summary = fleet.run([job], progress=(lambda event: None) if is_watched else None)
    [outcome] = summary.done
    assert sum(file.size for file in outcome.files) > 1.5 * sent
    assert outcome.bytes == summary.bytes == sent


def nfclease_vm() -> Any:
    from pyVmomi import vim

    return vim.VirtualMachine
