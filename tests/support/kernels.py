"""A notebook's kernel with a session at the simulator, and the messages of its cells."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from nfclease.simulator import Simulator

jupyter = pytest.importorskip("jupyter_client.manager", reason="not run: no jupyter_client")
pytest.importorskip("ipykernel", reason="not run: no ipykernel")

#: For a kernel's start and for each message.
SECONDS = 60
LOG_IN = """
import ssl
from pyVim.connect import SmartConnect
from pyVmomi import vim
from nfclease import AsyncHttpNfcLease, HttpNfcLease

service = SmartConnect(
    host={host!r}, port={port}, user={user!r}, pwd={password!r},
    sslContext=ssl.create_default_context(cafile={ca_file!r}),
)
view = service.content.viewManager.CreateContainerView(
    service.content.rootFolder, [vim.VirtualMachine], True
)
[vm] = [vm for vm in view.view if vm.name == "demo-vm"]
"""


class Kernel:
    """A kernel of this Python, with a session at the simulator."""

    def __init__(self, simulator: Simulator) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self.manager, self.client = jupyter.start_new_kernel(
            kernel_name="python3", startup_timeout=SECONDS, env=environment
        )
        self.pid: int = self.manager.provisioner.pid
        names = ("host", "port", "user", "password", "ca_file")
        where = {name: getattr(simulator, name) for name in names}
        assert self.reply(self.execute(LOG_IN.format(**where)))["status"] == "ok"

    def execute(self, code: str) -> str:
        message: str = self.client.execute(code)
        return message

    def reply(self, message: str) -> dict[str, Any]:
        """The end of a cell."""
        while True:
            got = self.client.get_shell_msg(timeout=SECONDS)
            if got["parent_header"].get("msg_id") == message:
                content: dict[str, Any] = got["content"]
                return content

    def wait_for_output(self, message: str, text: str) -> None:
        while True:
            got = self.client.get_iopub_msg(timeout=SECONDS)
            if got["parent_header"].get("msg_id") != message:
                continue
            if got["msg_type"] == "error":
                raise AssertionError("\n".join(got["content"]["traceback"]))
            if text in str(got["content"].get("text", "")):
                return

    def outputs(self, message: str) -> list[dict[str, Any]]:
        """What a cell shows, until it has ended; its messages as they are."""
        found: list[dict[str, Any]] = []
        while True:
            got = self.client.get_iopub_msg(timeout=SECONDS)
            if got["parent_header"].get("msg_id") != message:
                continue
            if got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
                return found
            found.append(got)

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
