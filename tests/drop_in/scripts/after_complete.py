"""What scripts do after Complete: Progress once more, Complete once more, look at the state."""

from pyVmomi import vim
from session import find_vm, open_session, report

si = open_session()
vm = find_vm(si, "demo-vm")
lease = vm.ExportVm()
while lease.state != vim.HttpNfcLease.State.ready:
    pass
lease.HttpNfcLeaseComplete()
caught = []
for call in (
    lambda: lease.HttpNfcLeaseProgress(100),
    lambda: lease.HttpNfcLeaseComplete(),
    lambda: lease.HttpNfcLeaseGetManifest(),
    lambda: lease.HttpNfcLeaseAbort(),
    lambda: lease.state,
    lambda: lease.info,
):
    try:
        caught.append(str(call())[:40])
    except Exception as error:
        caught.append((type(error).__name__, error.msg))
report(si, lease, caught=[str(item).replace(lease._moId, "it") for item in caught])
