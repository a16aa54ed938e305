"""A fault that was caught ends the lease with it; then the state and its error are read."""

from pyVmomi import vim, vmodl
from session import find_vm, open_session, report

si = open_session()
vm = find_vm(si, "demo-vm")
lease = vm.ExportVm()
while lease.state != vim.HttpNfcLease.State.ready:
    pass
try:
    vm.PowerOn()
    raise SystemExit("a VM under lease was powered on")
except vmodl.MethodFault as fault:
    refused = type(fault).__name__
    lease.HttpNfcLeaseAbort(fault=fault)
told = []
if lease.state == vim.HttpNfcLease.State.error:
    told.append("state.error is " + lease.state.error)
    told.append(type(lease.error).__name__)
try:
    lease.HttpNfcLeaseProgress(1)
except vmodl.MethodFault as fault:
    told.append(type(fault).__name__)
report(si, lease, refused=refused, told=told)
