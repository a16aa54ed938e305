"""A script that downloads three disks at once: how far were the others when "quick" was there?

Arguments: host, port, user, password, CA, VM, directory, which gets "slow-1", "slow-2" and "quick".
"""

from __future__ import annotations

import json
import os
import ssl
import sys
from pathlib import Path

from pyVim.connect import SmartConnect

import nfclease
from nfclease.inventory import find

host, port, user, password, ca_file, name, directory = sys.argv[1:]
# Two threads for three transfers, however many cores there are.
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
vm = find(service, name)
with nfclease.HttpNfcLease(vm.ExportVm()) as lease:
    devices = lease.wait_ready(10).deviceUrl
    names = ("slow-1", "slow-2", "quick")
    *slow, quick = [
        lease.start_download(device, Path(directory, file))
        for device, file in zip(devices, names, strict=True)
    ]
    quick.result(100)
    ahead = [transfer.progress.bytes_done for transfer in slow]
    results = [transfer.result(100) for transfer in (*slow, quick)]
print(
    json.dumps(
        {
            "shares": [done / result.bytes for done, result in zip(ahead, results, strict=False)],
            "verified": [result.verified for result in results],
        }
    )
)
