"""A script that does a job with a package, and says how much memory it took over the start.

Arguments: the job (import, inspect or verify), the package's address, the CA of that; host, port,
user, password and CA of a vCenter.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable
from pathlib import Path

from pyVim.connect import SmartConnect
from pyVmomi import vim

import nfclease


def peak() -> int:
    """The most that was resident, in bytes: its own alone, unlike what ``getrusage`` says."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def main() -> None:
    job, url, ca_file, *session = sys.argv[1:]
    if job == "import":
        host, port, user, password, ca = session
        context = ssl.create_default_context(cafile=ca)
        service = SmartConnect(
            host=host, port=int(port), user=user, pwd=password, sslContext=context
        )
        views = service.content.viewManager
        view = views.CreateContainerView(service.content.rootFolder, [vim.VirtualMachine], True)
        pool = next(vm for vm in view.view if vm.name == "demo-vm").resourcePool
        start = peak()
        result = nfclease.import_vapp(url, pool, name="in-memory", ca_file=ca_file)
        assert {file.verified for file in result.files} == {"manifest"}
        result.entity.Destroy_Task()
    else:
        start = peak()
        work: Callable[..., object] = nfclease.inspect if job == "inspect" else nfclease.verify
        work(url, ca_file=ca_file)
    print(peak() - start)


main()
