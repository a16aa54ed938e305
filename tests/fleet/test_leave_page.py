"""The page "Leave VMware": its cluster is started as it says, and its scripts export from it."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from nfclease import verify
from nfclease.simulator import Simulator

from ..support.command import Command
from ..support.pages import DOCS, blocks
from ..support.shell_blocks import commands, lines
from ..support.waiting import wait_for

PAGE = "leave-vmware.md"
SIMULATOR = {"disk_size": 1 << 19}
LOGIN = '"vcenter.example.com", "exporter@vsphere.local", "VC_PASSWORD"'
SCHEDULER = "tcp://scheduler.example.com:8786"
pytest.importorskip("distributed", reason="not run: it is not installed")


def environment(simulator: Simulator) -> dict[str, str]:
    """That of a worker; the scripts find this very nfclease."""
    paths = os.pathsep.join(filter(None, sys.path))
    return Command({"VC_PASSWORD": simulator.password, "PYTHONPATH": paths}).environment


def run(code: str, simulator: Simulator, directory: Path) -> subprocess.CompletedProcess[str]:
    """A script of the page, which logs in to the simulator."""
    assert code.count(LOGIN) == 1
    where = f'{simulator.host!r}, {simulator.user!r}, "VC_PASSWORD"'
    more = f"port={simulator.port}, ca_file={str(simulator.ca_file)!r}"
    (directory / "wave.py").write_text(code.replace(LOGIN, f"{where}, {more}"))
    return subprocess.run(
        [sys.executable, "wave.py"],
        cwd=directory,
        env=environment(simulator),
        capture_output=True,
        text=True,
        timeout=120,
    )


def script(word: str) -> tuple[str, str]:
    [found] = [block for block in blocks(PAGE, "python") if word in block[0]]
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def started(line: str, simulator: Simulator, directory: Path) -> Iterator[Path]:
    """A line of the page that goes on until it is ended; gives the file of what it says."""
    dask = shutil.which("dask", path=str(Path(sys.executable).parent))
    if dask is None:
        pytest.skip("not run: the command dask is not installed")
    log = directory / f"{line.split()[1]}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [dask, *shlex.split(line)[1:]],
            cwd=directory,
            env=environment(simulator),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield log
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(simulator: Simulator, tmp_path: Path) -> Iterator[str]:
    """A scheduler and two workers, started by the lines of the page; gives the address."""
    every = commands((DOCS / PAGE).read_text(encoding="utf-8"))
    of_dask = [line for each in every for line in lines(each) if line.startswith("dask ")]
    scheduler, worker = of_dask
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    scheduler = scheduler.replace("scheduler.example.com", "127.0.0.1").replace("8786", str(port))
    scheduler += " --dashboard-address 127.0.0.1:0"
    worker = worker.replace(SCHEDULER, address).replace("--nthreads 16", "--nthreads 4")
    with ExitStack() as stack:
        log = stack.enter_context(started(scheduler, simulator, tmp_path))
        wait_for(lambda: address in log.read_text(), 60)
        for name in ("one", "two"):
            directory = tmp_path / name
            directory.mkdir()
            line = f"{worker} --dashboard-address 127.0.0.1:0"
            log = stack.enter_context(started(line, simulator, directory))
            wait_for(lambda log=log: "Registered to" in log.read_text(), 60)  # type: ignore[misc]
        yield address


def test_the_driver_exports_a_wave_and_goes_on(
    simulator: Simulator, cluster: str, tmp_path: Path
) -> None:
    code, _ = script("wave-01.db")
    assert SCHEDULER in code
    code = code.replace(SCHEDULER, cluster).replace('"images/', f'"{tmp_path}/images/')
    names = [f"wave-{number}" for number in range(4)]
    for name in names:
        simulator.add_vm(name, disks=1, nvram=False)
    (tmp_path / "wave-01.txt").write_text("\n".join([*names, "running-vm"]))
    done = run(code, simulator, tmp_path)
    assert done.returncode == 0, done.stderr
    never, counts = done.stdout.splitlines()
    assert never.startswith("never ")
    assert "running-vm" in done.stderr
    assert counts == "4 done, 0 skipped, 1 failed"
    images = tmp_path / "images"
    assert sorted(path.name for path in images.iterdir()) == names
    assert all(verify(path) for path in images.iterdir())
    assert len([*images.rglob("*.qcow2")]) == 4
    assert simulator.password not in done.stdout + done.stderr
    again = run(code, simulator, tmp_path)
    assert again.stdout.splitlines()[-1] == "0 done, 4 skipped, 1 failed"


def test_a_cluster_of_one_machine(simulator: Simulator, tmp_path: Path) -> None:
    code, expected = script("LocalCluster")
    code = code.replace('"tried/', f'"{tmp_path}/tried/')
    done = run(code, simulator, tmp_path)
    assert (done.returncode, done.stdout) == (0, expected), done.stderr
    assert verify(tmp_path / "tried" / "demo-vm.ova")


def test_the_computation_prints_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    code, expected = script("everything")
    exec(compile(code, PAGE, "exec"), {})
    assert capsys.readouterr().out == expected
