"""What every script here begins with: log in, find a VM, and tell at the end what was seen."""

import json
import ssl
import sys

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim


def open_session():
    """Logs in with what the command line says: host, port, user, password, CA file."""
    host, port, user, password, ca_file = sys.argv[1:6]
    context = ssl.create_default_context(cafile=ca_file)
    return SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)


def find_vm(si, name):
    """The VM of this name."""
    content = si.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
    [vm] = [vm for vm in view.view if vm.name == name]
    view.Destroy()
    return vm


def import_spec(si, vm, name):
    """An import spec made of a VM's own descriptor, and where to import it."""
    ovf = si.content.ovfManager
    described = ovf.CreateDescriptor(vm, vim.OvfManager.CreateDescriptorParams(name=name))
    params = vim.OvfManager.CreateImportSpecParams(entityName=name)
    spec = ovf.CreateImportSpec(described.ovfDescriptor, vm.resourcePool, vm.datastore[0], params)
    return vm.resourcePool, spec


def report(si, lease, **facts):
    """One line of JSON, and the end of the session."""
    print(json.dumps({"lease": lease._moId, **facts}, default=str, sort_keys=True))
    Disconnect(si)
