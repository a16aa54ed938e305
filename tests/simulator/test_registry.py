"""Handlers are known by type and method."""

from __future__ import annotations

from typing import Any

import pytest

import nfclease.simulator.server.handlers  # noqa: F401 - they register themselves
from nfclease.simulator.registry import handler_of, handles
from nfclease.simulator.soap.vsphere import vim


async def nothing(managed: Any, call: Any) -> None:
    """Answers nothing."""


@pytest.mark.parametrize("method", ["PowerOnVM_Task", "Nonsense"])
def test_a_method_has_one_handler_and_is_the_apis(method: str) -> None:
    with pytest.raises(ValueError, match=f"vim.VirtualMachine.{method}"):
        handles(vim.VirtualMachine, method)(nothing)


def test_a_derived_type_has_the_handlers_of_its_base() -> None:
    pool, vapp = vim.ResourcePool("resgroup-8"), vim.VirtualApp("resgroup-v1")
    assert handler_of(pool, "ImportVApp") is handler_of(vapp, "ImportVApp") is not None
    assert handler_of(vapp, "ExportVApp") is not None
    assert handler_of(pool, "ExportVApp") is None


def test_permissions_are_listed(service: Any) -> None:
    manager, root = service.content.authorizationManager, service.content.rootFolder
    [one] = manager.RetrieveAllPermissions()
    assert (one.entity, one.roleId, one.propagate) == (root, -1, True)
    assert manager.RetrieveRolePermissions(-2) == []
    [datacenter] = root.childEntity
    assert manager.RetrieveEntityPermissions(datacenter, False) == []
    assert len(manager.RetrieveEntityPermissions(datacenter, True)) == 1
