"""Packages that VMware's own tools made: looked at, verified, imported; a real cut is refused."""

from __future__ import annotations

from typing import Any

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.genuine import cut_file
from ..support.genuine_packages import PACKAGES, Genuine
from ..support.inventory import unique


@pytest.fixture(params=PACKAGES)
def genuine(request: pytest.FixtureRequest) -> Genuine:
    return PACKAGES[request.param]


def test_inspect(genuine: Genuine) -> None:
    package = nfclease.inspect(genuine.path())
    assert len(package.disks) == genuine.machines
    assert all(disk.capacity for disk in package.disks)


def test_verify(genuine: Genuine) -> None:
    """In agreement with their own manifest files."""
    result = nfclease.verify(genuine.path())
    assert result.ok, result.problems
    assert {file.verified for file in result.files} == {genuine.manifest}


def test_import(genuine: Genuine, simulator: Simulator, demo_vm: Any) -> None:
    result = nfclease.import_vapp(
        genuine.path(), demo_vm.resourcePool, datastore=demo_vm.datastore[0], name=unique("genuine")
    )
    assert {file.verified for file in result.files} == {"manifest"}
    assert len(result.files) == genuine.machines
    assert all((file.file_checksum_type == "sha1") == genuine.manifest for file in result.files)


def test_a_real_truncation() -> None:
    """Its manifest file was made after the disk was cut, and agrees."""
    result = nfclease.verify(cut_file())
    assert not result.ok
    assert any("ttylinux-pc_i486-16.1-disk1.vmdk" in problem for problem in result.problems)
