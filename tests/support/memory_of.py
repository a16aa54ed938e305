"""A script that does a job with a package, and says how much memory it took over the start.

Arguments: the job (import, inspect, verify, export or copy), the package's path or address, the CA
of an address, empty for a path; host, port, user, password and CA of a vCenter; the VM of an
export or of a copy, which has no package.
"""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from typing import Any

from pyVim.connect import SmartConnect
from pyVmomi import vim

import nfclease


def peak() -> int:
    """The most that was resident, in bytes: its own alone, unlike what ``getrusage`` says."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def vm_of(session: list[str], name: str) -> Any:
    """A VM of the vCenter, in a session of its own."""
    host, port, user, password, ca = session
    context = ssl.create_default_context(cafile=ca)
    service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
    views = service.content.viewManager
    view = views.CreateContainerView(service.content.rootFolder, [vim.VirtualMachine], True)
    return next(vm for vm in view.view if vm.name == name)


def main() -> None:
    job, where, ca_file, *session = sys.argv[1:]
    trust: dict[str, Any] = {"ca_file": ca_file} if ca_file else {}
    if job == "export":
        vm = vm_of(session[:5], session[5])
        start = peak()
        exported = nfclease.export_vm(vm, where)
        assert {file.verified for file in exported.files} == {"manifest"}
    elif job == "copy":
        vm = vm_of(session[:5], session[5])
        start = peak()
        copied = nfclease.copy_vm(vm, vm.resourcePool, name="copy-in-memory")
        assert {file.verified for file in copied.files} == {"manifest"}
        copied.entity.Destroy_Task()
    elif job == "import":
        pool = vm_of(session, "demo-vm").resourcePool
        start = peak()
        result = nfclease.import_vapp(where, pool, name="in-memory", **trust)
        assert {file.verified for file in result.files} == {"manifest"}
        result.entity.Destroy_Task()
    elif job == "verify":
        start = peak()
        assert nfclease.verify(where, **trust).ok
    else:
        start = peak()
        nfclease.inspect(where, **trust)
    print(peak() - start)


main()
