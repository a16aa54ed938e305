"""What an import would do: said without a lease, and wrong where the import would be wrong."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease.simulator import Simulator

from ..support.importing import Importing, calls_of
from ..support.inventory import unique
from ..support.packages import ova, package, stream_disk, written


def planned(face: str, source: Any, pool: Any, **options: Any) -> nfclease.ImportPlan:
    if face == "blocking":
        return nfclease.plan_import(source, pool, **options)
    return asyncio.run(nfclease.plan_import_async(source, pool, **options))


def test_it_says_what_the_import_then_does(
    face: str, imported: Importing, simulator: Simulator, tmp_path: Path
) -> None:
    files = {"disk.vmdk": stream_disk(), "other.vmdk": stream_disk(64, 2)}
    written(tmp_path, package(files))
    name = unique("planned")
    pool = imported.vm.resourcePool
    plan = planned(face, tmp_path, pool, name=name)
    assert calls_of(simulator, "ImportVApp") == 0
    assert simulator.leases() == []
    assert plan.name == name
    assert plan.folder == imported.vm.parent
    assert plan.datastore == imported.vm.datastore[0]
    assert [*plan.networks] == ["VM Network"]
    assert [(file.name, file.size, file.disk, file.capacity) for file in plan.files] == [
        (file, len(data), True, 1 << 20) for file, data in files.items()
    ]
    assert {file.checksum_type for file in plan.files} == {"sha256"}
    result = imported(tmp_path, name=name)
    assert (result.bytes, result.notes) == (plan.bytes, plan.notes)


def test_what_the_import_would_refuse(
    face: str, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    members = package()
    del members["disk.vmdk"]
    written(tmp_path, members)
    with pytest.raises(nfclease.PackageError, match=r"does not have: disk\.vmdk"):
        planned(face, tmp_path, demo_vm.resourcePool)
    with pytest.raises(ValueError, match="an https address"):
        planned(face, tmp_path, demo_vm.resourcePool, pull=True)
    simulator.inject("ovf_error", match="CreateImportSpec")
    with pytest.raises(vim.fault.OvfInternalError):
        planned(face, io.BytesIO(ova(package())), demo_vm.resourcePool)


def fill(number: int, data: bytes) -> None:
    with open(number, "wb") as file:
        file.write(data)


def test_of_a_stream_the_descriptor_is_read(face: str, demo_vm: Any) -> None:
    data = ova(package({"disk.vmdk": stream_disk()}))
    reading, writing = os.pipe()
    with open(reading, "rb") as source:
        thread = threading.Thread(target=fill, args=(writing, data))
        thread.start()
        plan = planned(face, source, demo_vm.resourcePool)
        source.read()
        thread.join()
    assert [(file.name, file.disk) for file in plan.files] == [("disk.vmdk", True)]


def test_every_other_network(face: str, demo_vm: Any) -> None:
    source = io.BytesIO(ova(package()))
    plan = planned(face, source, demo_vm.resourcePool, networks={"*": "Lab Network"})
    assert plan.networks["VM Network"].name == "Lab Network"
    named = {"*": "Lab Network", "VM Network": "VM Network"}
    plan = planned(face, source, demo_vm.resourcePool, networks=named)
    assert plan.networks["VM Network"].name == "VM Network"
