"""Progress by a wrong total: over 100, back, below 0; and while the lease is initializing."""

from session import find_vm, open_session, report

si = open_session()
vm = find_vm(si, "demo-vm")
lease = vm.ExportVm()
caught = []
for percent in (1, 50, 150, 1000, 7, -3):
    try:
        lease.HttpNfcLeaseProgress(percent)
    except Exception as error:
        caught.append((percent, type(error).__name__))
while lease.state != "ready":
    pass
for percent in (1, 50, 150, 1000, 7, -3, 12.5, "7"):
    try:
        lease.HttpNfcLeaseProgress(percent)
    except Exception as error:
        caught.append((percent, type(error).__name__, str(error)))
lease.HttpNfcLeaseComplete()
report(si, lease, caught=caught)
