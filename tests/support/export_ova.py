"""A script that exports the demo VM to an OVA, and says how that ended.

Arguments: host, port, user, password, CA, target, "new" or "overwrite".
"""

from __future__ import annotations

import json
import logging
import ssl
import sys

from pyVim.connect import SmartConnect
from pyVmomi import vim

import nfclease

logging.basicConfig(level=logging.WARNING, format="%(message)s")
host, port, user, password, ca_file, target, how = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
views = service.content.viewManager
view = views.CreateContainerView(service.content.rootFolder, [vim.VirtualMachine], True)
vm = next(vm for vm in view.view if vm.name == "demo-vm")
said: dict[str, object] = {}
try:
    result = nfclease.export_vm(vm, target, overwrite=how == "overwrite")
    said["verified"] = sorted({file.verified for file in result.files})
except OSError as error:
    said["errno"] = error.errno
    said["error"] = str(error)
    said["files_left"] = getattr(error, "files_left", None)
print(json.dumps(said))
