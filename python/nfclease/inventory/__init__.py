"""Find VMs and the rest of the inventory by names and paths, and the tasks that hold a VM.

Examples:
    >>> from nfclease.inventory import find, list_vms
    >>> find(service, "DC0/vm/demo-vm").name
    'demo-vm'
    >>> [each.name for each in list_vms(service, "demo-*")]
    ['demo-vm']
"""

from nfclease.inventory.blocked import BlockedError
from nfclease.inventory.finding import Entry, VmEntry, find, find_all, list_vms, path_of
from nfclease.inventory.tasks import BlockingTask, blocking_tasks, cancel_task, lease_tasks

__all__ = [
    "BlockedError",
    "BlockingTask",
    "Entry",
    "VmEntry",
    "blocking_tasks",
    "cancel_task",
    "find",
    "find_all",
    "lease_tasks",
    "list_vms",
    "path_of",
]
