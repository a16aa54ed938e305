"""Export that tells its percent, and reads ``lease.info``, for each block."""

import requests
from pyVmomi import vim
from session import find_vm, open_session, report

si = open_session()
vm = find_vm(si, "demo-vm")
lease = vm.ExportVm()
lease.HttpNfcLeaseProgress(percent=0)
while True:
    if lease.state == vim.HttpNfcLease.State.ready:
        break
    if lease.state == vim.HttpNfcLease.State.error:
        raise lease.error
done, told = 0, []
for device_url in lease.info.deviceUrl:
    response = requests.get(device_url.url, stream=True, verify=False)
    for block in response.iter_content(1 << 20):
        done += len(block)
        capacity = lease.info.totalDiskCapacityInKB * 1024
        percent = int(100.0 * done / capacity)
        told.append(percent)
        lease.HttpNfcLeaseProgress(percent)
lease.HttpNfcLeaseComplete()
report(si, lease, rising=told == sorted(told), calls=len(told) > 5, state=lease.state)
