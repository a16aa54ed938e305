"""Malformed appliances that glance's own tests have."""

from __future__ import annotations

import io

import pytest

import nfclease

from ..support.genuine import glance_ova


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("testserver-bad-ovf.ova", "ends inside an element"),
        ("testserver-no-disk.ova", "'testserver-disk1.vmdk' is missing"),
        ("testserver-no-ovf.ova", "no member that ends with .ovf"),
        ("testserver-not-tar.ova", "neither a tar archive nor an OVF descriptor"),
        ("testserver.ova", "not a streamOptimized VMDK"),
    ],
)
def test_what_glance_refuses(name: str, problem: str) -> None:
    result = nfclease.verify(io.BytesIO(glance_ova(name)))
    assert not result
    assert any(problem in said for said in result.problems), result.problems
