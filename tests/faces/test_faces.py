"""That the fixture does what all tests on both faces rest on."""

from __future__ import annotations

from typing import Any

import pytest

import nfclease
from nfclease import HttpNfcLease

from ..support.faces import Driven

BOTH_FACES = True


def test_each_test_runs_on_both_faces(
    face: str, lease: Any, request: pytest.FixtureRequest
) -> None:
    """The shared fixture and what a test makes itself, by the name that the module has for it."""
    asynchronous = isinstance(lease, Driven)
    assert asynchronous == (face == "asyncio")
    assert asynchronous == (HttpNfcLease is not nfclease.HttpNfcLease)
    assert f"[{face}]" in request.node.name


@pytest.mark.blocking_face
def test_but_for_those_that_say_so(request: pytest.FixtureRequest) -> None:
    assert HttpNfcLease is nfclease.HttpNfcLease
    assert "[" not in request.node.name
