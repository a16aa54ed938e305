"""An export, as small as it can be, and exits during one, of whatever nfclease is installed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pyVim.connect import Disconnect
from pyVmomi import vim

import nfclease
from nfclease.simulator import Simulator

# A thread that the interpreter's exit ends inside native code does not always fall badly.
EXITS = 5
EXIT_MIDWAY = str(Path(__file__).with_name("exit_midway.py"))


def login(simulator: Simulator) -> list[str]:
    """What a process needs to open a session of its own."""
    address = [str(simulator.host), str(simulator.port)]
    return [*address, simulator.user, simulator.password, str(simulator.ca_file)]


def main() -> int:
    """Exports a VM and compares the files with the server's sums."""
    with Simulator(disk_size="2m") as simulator, tempfile.TemporaryDirectory() as folder:
        service = simulator.connect()
        views: Any = service.content.viewManager
        view = views.CreateContainerView(service.content.rootFolder, [vim.VirtualMachine], True)
        [vm] = [vm for vm in view.view if vm.name == "demo-vm"]
        with nfclease.HttpNfcLease(vm.ExportVm()) as lease:
            lease.wait_ready(30)
            lease.download_all(folder)
            sums = {entry.sha1 for entry in lease.GetManifest()}
        files = list(Path(folder).iterdir())
        simulator.inject("bandwidth", bytes_per_second=100_000)
        for number in range(EXITS):
            moid, target = vm.ExportVm()._moId, str(Path(folder, f"exit-{number}"))
            script = [sys.executable, "-I", EXIT_MIDWAY, "daemon", *login(simulator), moid, target]
            subprocess.run(script, check=True, timeout=30)
        here = {hashlib.sha1(path.read_bytes()).hexdigest() for path in files}
        Disconnect(service)
    print(
        f"nfclease {nfclease.__version__} of {Path(nfclease.__file__).parent}: {len(files)} files"
    )
    return 0 if files and here == sums else 1


if __name__ == "__main__":
    sys.exit(main())
