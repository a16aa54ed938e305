"""A script that exports one disk, or all of the demo VM to a package, and says how that ended.

Arguments: "disk", "image" (of a disk) or "package", host, port, user, password, CA, target, "new",
"overwrite" or "one by one".
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import ssl
import sys
from typing import Any

from pyVim.connect import SmartConnect
from pyVmomi import vim

import nfclease

handler = logging.StreamHandler()
places = {"nfclease_vm": "", "nfclease_file": ""}
handler.setFormatter(
    logging.Formatter("%(message)s [%(nfclease_vm)s %(nfclease_file)s]", defaults=places)
)
logging.basicConfig(level=logging.WARNING, handlers=[handler])
what, host, port, user, password, ca_file, target, how = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
views = service.content.viewManager
view = views.CreateContainerView(service.content.rootFolder, [vim.VirtualMachine], True)
vm = next(vm for vm in view.view if vm.name == "demo-vm")
said: dict[str, object] = {}
# A package grows in a directory with a name of chance; whoever traces its calls has to know it.
secrets.token_hex = lambda nbytes=None: "0" * 2 * (nbytes or 1)
try:
    if what == "package":
        count = 1 if how == "one by one" else 4
        result = nfclease.export_vm(vm, target, overwrite=how == "overwrite", max_concurrency=count)
        said["verified"] = sorted({file.verified for file in result.files})
    else:
        with nfclease.HttpNfcLease(vm.ExportVm()) as lease:
            disk = next(url for url in lease.wait_ready(10).deviceUrl if url.disk)
            options: dict[str, Any] = {}
            if what == "image":  # its suffix is the name of its format
                options["format"] = os.path.splitext(target)[1][1:]
            got = lease.download(disk, target, overwrite=how == "overwrite", **options)
            said["verified"] = got.verified
except OSError as error:
    said["errno"] = error.errno
    said["error"] = str(error)
    said["filename"] = error.filename
    for name in ("files_left", "vm", "file", "lease_outcome", "__notes__"):
        said[name] = getattr(error, name, None)
    if what == "package":  # as this process sees it: what is mounted there may be its own
        said["there"] = sorted(os.listdir(os.path.dirname(target)))
print(json.dumps(said))
