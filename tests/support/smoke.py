"""An export, as small as it can be, and exits during one, of whatever nfclease is installed.

And the command that came with it: what ``nfclease`` and ``python -m nfclease`` do is the same.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
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


def commands(simulator: Simulator, folder: Path) -> list[str]:
    """What the two forms of the command print for their help, and for a package that they make.

    Raises:
        RuntimeError: They are not the same, or one is not there or failed.
    """
    script = shutil.which("nfclease", path=sysconfig.get_path("scripts"))
    if script is None:
        raise RuntimeError("the installation brought no command nfclease")
    # Neither another vSphere nor other sources than those that were installed.
    others = ("GOVC_", "PYTHON")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(others)}
    environment["GOVC_URL"], environment["GOVC_USERNAME"] = simulator.url, simulator.user
    environment["GOVC_PASSWORD"] = simulator.password
    environment["GOVC_TLS_CA_CERTS"] = str(simulator.ca_file)
    forms = ([script], [sys.executable, "-I", "-m", "nfclease"])
    package = str(folder / "command.ova")
    printed: list[list[str]] = []
    for form in forms:
        lines = []
        for arguments in (
            ["--version"],
            ["--help"],
            ["export", "--help"],
            ["export", "/DC0/vm/demo-vm", "-o", package, "--overwrite", "--quiet"],
            ["verify", package, "--quiet"],
            ["no-such-command"],
        ):
            done = subprocess.run(
                [*form, *arguments], env=environment, capture_output=True, text=True, timeout=120
            )
            lines.append(f"{done.returncode} {done.stdout}{done.stderr}")
        printed.append(lines)
    if printed[0] != printed[1]:
        raise RuntimeError(f"nfclease and python -m nfclease differ: {printed}")
    if [line.split()[0] for line in printed[0]] != ["0", "0", "0", "0", "0", "2"]:
        raise RuntimeError(f"the command failed: {printed[0]}")
    return printed[0]


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
        said = commands(simulator, Path(folder))
        here = {hashlib.sha1(path.read_bytes()).hexdigest() for path in files}
        Disconnect(service)
    print(
        f"nfclease {nfclease.__version__} of {Path(nfclease.__file__).parent}: {len(files)} files, "
        f"{len(said)} uses of the command"
    )
    return 0 if files and here == sums else 1


if __name__ == "__main__":
    sys.exit(main())
