"""The inventory of a server that nobody here wrote, by paths that govc has too."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim

from nfclease.inventory import find, find_all, path_of

from .run import Vcsim, govc

#: govc's letters for what it finds.
KINDS = {
    "m": vim.VirtualMachine,
    "p": vim.ResourcePool,
    "h": vim.HostSystem,
    "r": vim.ComputeResource,
    "s": vim.Datastore,
    "n": vim.Network,
    "f": vim.Folder,
    "d": vim.Datacenter,
}


@pytest.mark.parametrize("letter", KINDS)
def test_paths_are_those_of_govc(vcsim: Vcsim, letter: str) -> None:
    done = govc("find", "/", "-type", letter, env=vcsim.govc_env)
    assert done.returncode == 0, done.stderr
    listed = done.stdout.splitlines()
    kind: Any = KINDS[letter]
    with vcsim.connect() as service:
        entries = find_all(service, kind=kind)
        assert {each.path for each in entries} == {*listed} - {"/"}
        for each in entries[:3]:
            assert find(service, each.path, kind) == each.entity
            assert find(service, f"{type(each.entity)._wsdlName}:{each.moid}", kind) == each.entity
            assert path_of(each.entity) == each.path
