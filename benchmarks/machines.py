"""The simulator's VM as a session sees it."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim


def demo_vm(service: Any) -> Any:
    """The one that every simulator has."""
    views: Any = service.content.viewManager
    view = views.CreateContainerView(service.content.rootFolder, [vim.VirtualMachine], True)
    [machine] = [each for each in view.view if each.name == "demo-vm"]
    return machine
