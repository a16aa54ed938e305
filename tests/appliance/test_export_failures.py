"""After a failure the target is as it was, and the lease was aborted once."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim, vmodl

from nfclease import NfcError, export_vm_async
from nfclease.appliance import _directory
from nfclease.simulator import Simulator

from ..support.inventory import find, unique
from ..support.jobs import Export
from ..support.leases import endings
from ..support.waiting import until, wait_for

#: Faults of the simulator that no repetition gets over.
BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("status", {"match": "disk-2", "code": 500}),
    ("cut", {"match": "disk-2", "after_bytes": 4096}),
    ("cut", {"match": "disk-2", "after_bytes": 4096, "how": "end"}),
    ("flip", {"match": "disk-2"}),
    ("html", {"match": "disk-2"}),
    ("empty", {"match": "disk-2"}),
    ("redirect", {"match": "disk-2"}),
    ("expire", {"after_bytes": 4096}),
    ("wrong_certificate", {"listener": "host"}),
    ("manifest", {"match": "disk-2", "size": 1}),
    ("init_error", {}),
    ("target_id", {"match": "disk-2", "value": "../../x"}),
    ("target_id", {"match": "disk-2", "value": "demo-vm.OVF"}),
    ("soap_fault", {"method": "CreateDescriptor"}),
    ("soap_fault", {"method": "HttpNfcLeaseComplete"}),
]


@pytest.mark.parametrize(("kind", "options"), BROKEN)
def test_the_target_is_as_it_was(
    export: Export,
    demo_vm: Any,
    simulator: Simulator,
    tmp_path: Path,
    kind: str,
    options: dict[str, Any],
) -> None:
    (tmp_path / "out").mkdir()
    simulator.inject(kind, **options)
    with pytest.raises((NfcError, vmodl.MethodFault)):
        export(demo_vm, tmp_path / "out", max_retries=0)
    assert list(tmp_path.rglob("*")) == [tmp_path / "out"]
    ended = [each for each in endings(simulator) if each == "HttpNfcLeaseAbort"]
    assert len(ended) == (kind not in ("init_error", "expire"))


def test_an_old_package_stays_until_the_new_one_is_whole(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    export(demo_vm, tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(FileExistsError, match="overwrite=True replaces it"):
        export(demo_vm, tmp_path / "out")
    simulator.inject("status", match="disk-2", code=500)
    with pytest.raises(NfcError):
        export(demo_vm, tmp_path / "out", overwrite=True, max_retries=0)
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    simulator.clear()
    result = export(demo_vm, tmp_path / "out", overwrite=True, name="other", include=())
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "other.ovf",
        "other.mf",
        *(file.name for file in result.files),
    }
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


@pytest.mark.parametrize("stranger", ["notes.txt", "folder/x", "disk-0.vmdk"])
def test_a_directory_with_anything_else_is_never_replaced(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path, stranger: str
) -> None:
    if stranger != "disk-0.vmdk":
        export(demo_vm, tmp_path / "out")
        simulator.reset()
    (tmp_path / "out" / stranger).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "out" / stranger).write_text("mine")
    with pytest.raises(FileExistsError, match=stranger.partition("/")[0]):
        export(demo_vm, tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / stranger).read_text() == "mine"
    assert simulator.calls("ExportVm") == []


def test_a_file_or_a_missing_parent_is_refused(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExistsError, match="there is a file of this name"):
        export(demo_vm, tmp_path / "file", overwrite=True)
    with pytest.raises(FileNotFoundError, match="only the last level"):
        export(demo_vm, tmp_path / "missing" / "out")
    assert simulator.calls("ExportVm") == []


def test_a_mount_point_cannot_get_another_directory(
    export: Export,
    demo_vm: Any,
    simulator: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "mounted").mkdir()
    monkeypatch.setattr("os.path.ismount", lambda path: Path(path).name == "mounted")
    with pytest.raises(OSError, match="mount point; name a directory in it"):
        export(demo_vm, tmp_path / "mounted")
    assert simulator.calls("ExportVm") == []


def test_a_link_stays_a_link(export: Export, demo_vm: Any, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    export(demo_vm, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "demo-vm.ovf").exists()


def test_what_came_meanwhile_is_not_replaced(
    export: Export, demo_vm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another export of the same name may end first."""
    sync = _directory.sync

    def meanwhile(directory: str) -> None:
        sync(directory)
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "theirs").write_text("theirs")

    monkeypatch.setattr(_directory, "sync", meanwhile)
    with pytest.raises(FileExistsError):
        export(demo_vm, tmp_path / "out")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "theirs"]


def test_a_callable_that_raises_is_the_error(
    export: Export, demo_vm: Any, simulator: Simulator, tmp_path: Path
) -> None:
    def include(device: Any) -> bool:
        raise KeyError(device.key)

    with pytest.raises(KeyError):
        export(demo_vm, tmp_path / "out", include=include)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["out", "out.ova"])
def test_a_cancelled_task(demo_vm: Any, simulator: Simulator, tmp_path: Path, target: str) -> None:
    simulator.inject("stall", match="disk-2", after_bytes=4096)

    async def job() -> None:
        task = asyncio.ensure_future(export_vm_async(demo_vm, tmp_path / target))
        await until(simulator.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(job())
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


INTERRUPTED = """
import nfclease, ssl, sys
from pyVim.connect import SmartConnect
from pyVmomi import vim
host, port, user, password, ca_file, moid, target = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
nfclease.export_vm(vim.VirtualMachine(moid, service._stub), target, snapshot=True)
"""


@pytest.mark.parametrize("target", ["out", "out.ova"])
@pytest.mark.parametrize(
    ("reached", "kind", "options"),
    [
        ("CreateSnapshot_Task", "task_delay", {"seconds": 1}),
        ("ExportSnapshot", "soap_delay", {"seconds": 1}),
        ("HttpNfcLeaseProgress", "stall", {"match": "disk-0", "after_bytes": 4096}),
    ],
)
def test_an_interrupt_from_the_keyboard(
    simulator: Simulator,
    service: Any,
    tmp_path: Path,
    target: str,
    reached: str,
    kind: str,
    options: dict[str, Any],
) -> None:
    if sys.platform == "win32":
        pytest.skip("not run: a process cannot be sent an interrupt here")
    name = unique("interrupted")
    moid = simulator.add_vm(name, disks=1, power="on")
    method: dict[str, Any] = {"method": reached} if kind != "stall" else {}
    simulator.inject(kind, **options, **method)
    session = [simulator.host, str(simulator.port), simulator.user, simulator.password]
    address = [*session, str(simulator.ca_file), moid, str(tmp_path / target)]
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *address], stderr=subprocess.PIPE, text=True
    )
    wait_for(simulator.requests if kind == "stall" else lambda: simulator.calls(reached))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors.strip().endswith("KeyboardInterrupt")
    opened = bool(simulator.calls("ExportSnapshot"))
    assert endings(simulator) == ["HttpNfcLeaseAbort"] * opened
    assert find(service, vim.VirtualMachine, name).snapshot is None
    assert list(tmp_path.iterdir()) == []
