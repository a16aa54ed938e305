"""Runs backup_restore.py against a simulated vCenter that is a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from nfclease.simulator import Simulator


def main() -> int:
    """Starts the simulator, runs the script as anybody would, stops the simulator."""
    script = Path(__file__).with_name("backup_restore.py")
    with Simulator(disk_size="48m") as simulator:
        print(f"simulated vCenter at {simulator.url}, disks served by {simulator.disk_host}")
        environment = {
            **os.environ,
            "GOVC_URL": simulator.url,
            "GOVC_USERNAME": simulator.user,
            "GOVC_PASSWORD": simulator.password,
            # The simulator's CA, so that the session is verified as a real one should be.
            "GOVC_TLS_CA_CERTS": simulator.ca_file or "",
        }
        environment.pop("GOVC_INSECURE", None)
        command = [sys.executable, str(script), "--vm", "demo-vm"]
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
