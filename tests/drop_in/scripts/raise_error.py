"""A lease that was aborted by another client: the script raises its error."""

from pyVmomi import vim, vmodl
from session import find_vm, open_session, report

si = open_session()
vm = find_vm(si, "demo-vm")
lease = vm.ExportVm()
while lease.state == vim.HttpNfcLease.State.initializing:
    pass
other = vim.HttpNfcLease(lease._moId, si._stub)
other.Abort(vmodl.fault.SystemError(reason="another client", msg="ended by another client"))
caught = None
try:
    if lease.state == vim.HttpNfcLease.State.error:
        raise lease.error
except vmodl.fault.SystemError as error:
    caught = (type(error).__name__, error.msg, error.reason)
report(si, lease, caught=caught, same=lease == other and other == lease, text=str(lease == other))
