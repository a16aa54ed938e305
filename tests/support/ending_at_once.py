"""A script that downloads all disks of a VM at once: how many threads has it at most?

Arguments: host, port, user, password, CA, VM, directory.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
from pathlib import Path

from pyVim.connect import SmartConnect

import nfclease
from nfclease.inventory import find

host, port, user, password, ca_file, name, directory = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
vm = find(service, name)
most = 0
with nfclease.HttpNfcLease(vm.ExportVm(), max_concurrency=64) as lease:
    transfers = [
        lease.start_download(device, Path(directory, f"disk-{number}"))
        for number, device in enumerate(lease.wait_ready(10).deviceUrl)
    ]
    while not all(transfer.done() for transfer in transfers):
        most = max(most, len(os.listdir("/proc/self/task")))
        time.sleep(0.005)
    results = [transfer.result(0) for transfer in transfers]
print(json.dumps({"most": most, "verified": [result.verified for result in results]}))
