from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs" / "simulator.md"
SCRIPT = """
import urllib.request, ssl


def export(service, vm, directory):
    lease = vm.ExportVm()
    while lease.state != "ready":
        pass
    try:
        for url in lease.info.deviceUrl:
            with urllib.request.urlopen(url.url, context=ssl._create_unverified_context()) as disk:
                (directory / url.targetId).write_bytes(disk.read())
    except Exception:
        lease.Abort()
        raise
    lease.Complete()
"""
OWN = """
import pytest


@pytest.mark.nfc_simulator(disks=1, disk_size="1m")
def test_of_its_own(nfc_simulator):
    assert len([f for f in nfc_simulator.vm_files("demo-vm") if f["kind"] == "disk"]) == 1


def test_that_leaves_a_lease(nfc_service_instance):
    vm = nfc_service_instance.content.searchIndex.FindByInventoryPath("DC0/vm/demo-vm")
    assert vm.ExportVm().error is None


def test_the_shared_one_is_clean(nfc_simulator):
    assert nfc_simulator.calls() == []
    assert nfc_simulator.leases() == []
    assert len([f for f in nfc_simulator.vm_files("demo-vm") if f["kind"] == "disk"]) == 3
"""


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    paths = [path for path in sys.path if path]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *paths])},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_the_example_of_the_docs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    [conftest, test] = [block for block in blocks if "pytest" in block]
    assert len([line for line in test.splitlines() if line]) <= 15
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_mine.py").write_text(test)
    (tmp_path / "my_script.py").write_text(SCRIPT)
    (tmp_path / "test_own.py").write_text(OWN)
    done = run(tmp_path, "--strict-markers")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout
    # Its honesty: a script that gives nothing up fails the same test.
    (tmp_path / "my_script.py").write_text(SCRIPT.replace("lease.Abort()", "pass"))
    assert run(tmp_path, "test_mine.py").returncode == 1
