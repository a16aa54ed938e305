"""Users and what they may do: one user, who may do everything."""

from __future__ import annotations

from typing import Any

from nfclease.simulator.registry import Call, handles
from nfclease.simulator.soap.vsphere import vim
from nfclease.simulator.world import Managed, World


class AuthorizationManager(Managed):
    """vim.AuthorizationManager: one user, who may do everything."""

    _ROLES = ((-1, "Admin", "Administrator"), (-2, "ReadOnly", "Read-only"))

    def __init__(self, world: World, kind: Any, moid: str, root: Managed) -> None:
        rights = ["System.Anonymous", "System.Read", "System.View"]
        everything = [*rights, "VApp.Export", "VApp.Import", "VirtualMachine.Interact.PowerOn"]
        roles = [
            vim.AuthorizationManager.Role(
                roleId=number,
                system=True,
                name=name,
                info=vim.Description(label=label, summary=label),
                privilege=everything if name == "Admin" else rights,
            )
            for number, name, label in self._ROLES
        ]
        privileges = [
            vim.AuthorizationManager.Privilege(
                privId=name,
                onParent=False,
                name=name.rpartition(".")[2],
                privGroupName=name.rpartition(".")[0],
            )
            for name in everything
        ]
        super().__init__(world, kind, moid, roleList=roles, privilegeList=privileges)
        self.root = root


class UserDirectory(Managed):
    """vim.UserDirectory."""

    def __init__(self, world: World, kind: Any, moid: str) -> None:
        domain = world.options.user.partition("@")[2]
        super().__init__(world, kind, moid, domainList=[domain] if domain else [])


@handles(vim.UserDirectory, "RetrieveUserGroups")
async def find(directory: UserDirectory, call: Call) -> Any:
    """The one user, who is in no group."""
    user, _, domain = directory.world.options.user.partition("@")
    wanted, exact = call.arg("searchStr", "").lower(), call.arg("exactMatch", False)
    found = wanted == user.lower() if exact else wanted in user.lower()
    elsewhere = call.arg("domain", domain) != domain
    grouped = call.arg("belongsToGroup") or call.arg("belongsToUser")
    if not found or elsewhere or grouped or not call.arg("findUsers", True):
        return []
    return [vim.UserSearchResult(principal=user, fullName=user, group=False)]


@handles(
    vim.AuthorizationManager,
    "RetrieveAllPermissions",
    "RetrieveEntityPermissions",
    "RetrieveRolePermissions",
)
async def permissions(manager: AuthorizationManager, call: Call) -> Any:
    """The one there is, at the root; seen from below only if inherited ones are asked for."""
    other = call.method == "RetrieveRolePermissions" and call.arg("roleId") != -1
    entity = call.arg("entity")
    below = entity is not None and entity._moId != manager.root.moid
    if other or (below and not call.arg("inherited")):
        return []
    return [
        vim.AuthorizationManager.Permission(
            entity=manager.root.ref,
            principal=manager.world.options.user,
            group=False,
            roleId=-1,
            propagate=True,
        )
    ]


@handles(vim.AuthorizationManager, "HasPrivilegeOnEntities")
async def held(manager: AuthorizationManager, call: Call) -> Any:
    """The one user has all of them."""
    api = vim.AuthorizationManager
    return [
        vim.AuthorizationManager.EntityPrivilege(
            entity=entity,
            privAvailability=[
                api.PrivilegeAvailability(privId=name, isGranted=True)
                for name in call.arg("privId", [])
            ],
        )
        for entity in call.arg("entity", [])
    ]
