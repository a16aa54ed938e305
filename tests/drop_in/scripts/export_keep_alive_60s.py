"""Export with the sample's updater thread: every 60 s, started before the lease is ready."""

import hashlib
import threading

import requests
from pyVmomi import vim
from session import find_vm, open_session, report


class LeaseProgressUpdater(threading.Thread):
    def __init__(self, lease, interval):
        super().__init__(daemon=True)
        self.lease = lease
        self.interval = interval
        self.percent = 0
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.is_set():
            try:
                if self.lease.state in (
                    vim.HttpNfcLease.State.done,
                    vim.HttpNfcLease.State.error,
                ):
                    return
                self.lease.HttpNfcLeaseProgress(self.percent)
            except Exception:
                return
            self.stopped.wait(self.interval)


si = open_session()
vm = find_vm(si, "demo-vm")
lease = vm.ExportVm()
updater = LeaseProgressUpdater(lease, 60)
updater.start()
while lease.state == vim.HttpNfcLease.State.initializing:
    pass
name, _, value = si._stub.cookie.partition(";")[0].partition("=")
sizes, files = {}, []
for device_url in lease.info.deviceUrl:
    if not device_url.targetId:
        continue
    response = requests.get(device_url.url, cookies={name: value}, stream=True, verify=False)
    digest, size = hashlib.sha1(), 0
    for block in response.iter_content(2048):
        digest.update(block)
        size += len(block)
        updater.percent = 50
    sizes[device_url.targetId] = response.status_code
    files.append(
        vim.OvfManager.OvfFile(deviceId=device_url.key, path=device_url.targetId, size=size)
    )
params = vim.OvfManager.CreateDescriptorParams(name=vm.name, ovfFiles=files)
descriptor = si.content.ovfManager.CreateDescriptor(obj=vm, cdp=params)
lease.HttpNfcLeaseComplete()
updater.stopped.set()
report(si, lease, sizes=sizes, errors=len(descriptor.error), state=lease.state)
