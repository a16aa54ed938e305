"""Export with a thread of 2 s that ends with the first fault."""

import threading
import urllib.request
import ssl

from pyVmomi import vim
from session import find_vm, open_session, report

percent, stop, told = 0, threading.Event(), []


def keep_alive():
    while not stop.wait(2):
        try:
            lease.Progress(percent)
            told.append(percent)
        except vim.fault.Timedout:
            break


si = open_session()
vm = find_vm(si, "demo-vm")
lease = vm.ExportVm()
while lease.state == "initializing":
    pass
thread = threading.Thread(target=keep_alive)
thread.start()
total = 0
disks = [device_url for device_url in lease.info.deviceUrl if device_url.disk]
for number, disk in enumerate(disks):
    percent = int(100 * number / len(disks))
    with urllib.request.urlopen(disk.url, context=ssl._create_unverified_context()) as stream:
        while block := stream.read(1 << 20):
            total += len(block)
stop.wait(2.3)
stop.set()
thread.join()
lease.Complete()
report(si, lease, disks=len(disks), told=bool(told), last=percent, moved=total > 0)
