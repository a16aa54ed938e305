"""ESXi hosts as processes of their own, which can be killed, held and started again."""

from __future__ import annotations

import os
import signal
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

from nfclease import fleet
from nfclease.simulator import Simulator

from .inventory import unique


class EsxHost:
    """A host with VMs of one disk each; its session is registered under its name.

    Args:
        name: Of the session.
        vms: How many VMs there are.
        disk_size: About how many bytes the stream of each disk has.
    """

    def __init__(self, name: str, *, vms: int, disk_size: int = 1 << 18) -> None:
        self.name = name
        self.vms = [unique(name) for _ in range(vms)]
        self._disk_size = disk_size
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.simulator = self._started()
        fleet.register_session(name, self._connected)

    def _started(self, **options: Any) -> Simulator:
        simulator = Simulator(esx=True, lease_timeout=3.0, initializing=0.05, **options)
        for vm in self.vms:
            simulator.add_vm(vm, disks=1, disk_size=self._disk_size, nvram=False)
        # A simulator makes itself another certificate at each start, as no host does.
        self._context.load_verify_locations(simulator.ca_file)
        return simulator

    def _connected(self) -> Any:
        return self.simulator.connect(sslContext=self._context)

    @property
    def address(self) -> str:
        """As messages call it."""
        return f"{self.simulator.host}:{self.simulator.port}"

    def jobs(self, directory: Path, **options: Any) -> list[fleet.ExportJob]:
        """An export of each VM."""
        return [
            fleet.ExportJob(self.name, vm, f"{directory}/{{vm}}.ova", options) for vm in self.vms
        ]

    def slow(self, bytes_per_second: float) -> None:
        """From now on no stream is faster."""
        self.simulator.inject("bandwidth", bytes_per_second=bytes_per_second)

    def kill(self) -> None:
        """As a power cut: no connection is ended in order."""
        os.kill(self.simulator.pid, signal.SIGKILL)
        self.simulator.stop()

    def come_back(self) -> None:
        """Starts it again, at the same port and with the same VMs and password."""
        before = self.simulator
        self.simulator = self._started(port=before.port, password=before.password)

    def hold(self) -> None:
        """It answers nothing from now on, and ends no connection."""
        os.kill(self.simulator.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again."""
        os.kill(self.simulator.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Ends it, whatever state it is in."""
        with suppress(ProcessLookupError):
            self.go_on()
        self.simulator.stop()
