"""A script that exports one disk, and says how that ended.

Arguments: host, port, user, password, CA, target, "new" or "overwrite".
"""

from __future__ import annotations

import json
import logging
import ssl
import sys

from pyVim.connect import SmartConnect
from pyVmomi import vim

from nfclease import HttpNfcLease

logging.basicConfig(level=logging.WARNING, format="%(message)s")
host, port, user, password, ca_file, target, how = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
views = service.content.viewManager
view = views.CreateContainerView(service.content.rootFolder, [vim.VirtualMachine], True)
vm = next(vm for vm in view.view if vm.name == "demo-vm")
said: dict[str, object] = {}
try:
    with HttpNfcLease(vm.ExportVm()) as lease:
        disk = next(url for url in lease.wait_ready(10).deviceUrl if url.disk)
        said["verified"] = lease.download(disk, target, overwrite=how == "overwrite").verified
except OSError as error:
    said["errno"] = error.errno
    said["error"] = str(error)
    said["files_left"] = getattr(error, "files_left", None)
print(json.dumps(said))
