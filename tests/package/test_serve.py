"""`make serve`: the simulator as anybody starts it, under a script that knows nothing of us."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, ssl, sys
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

where = json.loads(sys.argv[1])
si = SmartConnect(
    host=where["host"], port=where["port"], user=where["user"], pwd=where["password"],
    sslContext=ssl.create_default_context(cafile=where["ca_file"]),
)
view = si.content.viewManager.CreateContainerView(si.content.rootFolder, [vim.VirtualMachine], True)
[vm] = [vm for vm in view.view if vm.name == "demo-vm"]
lease = vm.ExportVm()
while lease.state != "ready":
    pass
print(len(lease.info.deviceUrl), vm.runtime.powerState)
lease.Complete()
Disconnect(si)
assert "nfclease" not in sys.modules
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_script_of_ones_own(tmp_path: Path, how: signal.Signals) -> None:
    makefile = Path(__file__).parents[2] / "Makefile"
    assert "-m nfclease.simulator --no-stdin" in makefile.read_text(encoding="utf-8")
    server = subprocess.Popen(
        [sys.executable, "-m", "nfclease.simulator", "--no-stdin"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        text=True,
    )
    try:
        assert server.stdout is not None
        about = server.stdout.readline()
        told = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SCRIPT, about],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (told.stdout, told.stderr) == ("5 poweredOff\n", "")
    finally:
        server.send_signal(how)
        rest, _ = server.communicate(timeout=20)
    assert (server.returncode, rest) == (0, "")
    assert not Path(json.loads(about)["ca_file"]).exists()
    assert list(tmp_path.iterdir()) == []
