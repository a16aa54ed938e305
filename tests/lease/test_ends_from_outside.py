"""The ends of a lease that come from outside the script: Ctrl-C, the interpreter's exit, a fork."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.clock import Stopwatch
from ..support.faces import OpenLease
from ..support.imports import Imported
from ..support.inventory import DISK_SIZE
from ..support.leases import disk_of, endings, slow_lease
from ..support.smoke import EXIT_MIDWAY, login


class Interrupt(threading.Thread):
    """Sends SIGINT to the main thread, as Ctrl-C does."""

    def __init__(self, delay: float, simulator: Simulator) -> None:
        super().__init__()
        self._delay = delay
        self._pid = simulator.pid
        #: From the press on.
        self.clock = Stopwatch()

    def run(self) -> None:
        time.sleep(self._delay)
        self.clock = Stopwatch(self._pid)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_ctrl_c_in_an_export(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    raw = slow_lease(simulator, service, 4)
    interrupt = Interrupt(2, simulator)
    with pytest.raises(KeyboardInterrupt), open_lease(raw) as lease:
        lease.wait_ready(10)
        interrupt.start()
        lease.download_all(tmp_path)
    assert interrupt.clock.seconds() < 0.5
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".part", ".vmdk")]
    [abort] = simulator.calls("HttpNfcLeaseAbort")
    assert "KeyboardInterrupt" in str(abort["args"])


def test_ctrl_c_in_an_import(
    open_lease: OpenLease, simulator: Simulator, service: Any, imported: Imported
) -> None:
    raw, item, path, name = imported
    simulator.inject("bandwidth", bytes_per_second=DISK_SIZE / 4)
    interrupt = Interrupt(2, simulator)
    with pytest.raises(KeyboardInterrupt), open_lease(raw) as lease:
        lease.wait_ready(10)
        interrupt.start()
        lease.upload(item, path)
    assert interrupt.clock.seconds() < 0.5
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert service.content.searchIndex.FindByInventoryPath(f"DC0/vm/{name}") is None


@pytest.mark.parametrize("how", ["alone", "daemon", "joined"])
def test_the_interpreters_exit_aborts(
    simulator: Simulator, service: Any, tmp_path: Path, how: str
) -> None:
    raw = slow_lease(simulator, service, 60)
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, EXIT_MIDWAY, how, *login(simulator), raw._moId, tmp_path / "disk"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert time.monotonic() - began < 10
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert list(tmp_path.iterdir()) == []


TWICE = """
import ssl, sys, time
from nfclease import HttpNfcLease
from pyVim.connect import SmartConnect

host, port, user, password, ca_file, moid = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
with HttpNfcLease(moid, service._stub) as lease:
    lease.wait_ready(10)
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_second_ctrl_c_amid_the_abort(demo_vm: Any, simulator: Simulator) -> None:
    """The script ends at once, the process when the server has answered."""
    raw = demo_vm.ExportVm()
    simulator.inject("soap_delay", method="HttpNfcLeaseAbort", seconds=3)
    process = subprocess.Popen(
        [sys.executable, "-c", TWICE, *login(simulator), raw._moId],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    while not endings(simulator):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) != 0
    assert [lease["state"] for lease in simulator.leases() if lease["moid"] == raw._moId] == [
        "error"
    ]
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not run: no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_that_leaves_the_block(
    open_lease: OpenLease, demo_vm: Any, simulator: Simulator
) -> None:
    """Its own exception comes out, not that the lease is the parent's."""
    child = -1
    try:
        with open_lease(demo_vm.ExportVm()) as lease:
            lease.wait_ready(10)
            child = os.fork()
            if child == 0:
                raise LookupError("the child's own")
    except BaseException as error:
        if child == 0:
            os._exit(7 if isinstance(error, LookupError) else 1)
        raise
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not run: no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_leaves_the_lease_alone(
    open_lease: OpenLease, simulator: Simulator, service: Any, tmp_path: Path
) -> None:
    raw = slow_lease(simulator, service, 1)
    with open_lease(raw) as lease:
        disk = disk_of(lease)
        transfer = lease.start_download(disk, tmp_path / "disk")
        child = os.fork()
        if child == 0:
            try:
                refused = 0
                for use in (lambda: lease.Progress(1), lambda: transfer.result(1), lease.close):
                    try:
                        use()
                    except nfclease.ForkError:
                        refused += 1
                del lease, transfer
                gc.collect()
                os._exit(refused)
            finally:  # never on into the other tests
                os._exit(255)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        assert transfer.result().verified == "manifest"
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
