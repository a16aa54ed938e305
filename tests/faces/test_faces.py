"""That a test on both faces runs on both: all those tests rest on it."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nfclease import AsyncHttpNfcLease, HttpNfcLease
from nfclease.simulator import Simulator

from ..support.faces import FACES, Driven, OpenLease

TESTS = Path(__file__).parents[1]
#: What makes a test run on both faces.
OF_A_FACE = {"face", "open_lease", "lease", "exported", "imported", "spec", "raw"}
#: They want a blocking lease beside the one under test.
BESIDE = {"test_a_lease_that_is_ours_already"}


def test_each_test_runs_on_both_faces(
    face: str, open_lease: OpenLease, lease: Any, request: pytest.FixtureRequest
) -> None:
    assert f"[{face}]" in request.node.name
    assert open_lease.face == face
    if face == "asyncio":
        assert type(lease) is Driven
        assert type(lease.driven) is AsyncHttpNfcLease
    else:
        assert type(lease) is HttpNfcLease


def test_the_waiting_is_that_of_the_face(
    face: str, simulator: Simulator, lease: Any, tmp_path: Path
) -> None:
    """Whoever waits tells the progress: a thread, or an event loop that goes on meanwhile."""
    simulator.inject("bandwidth", bytes_per_second=6 << 20)
    loops: set[bool] = set()

    def tell(_: object) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            loops.add(False)
        else:
            loops.add(True)

    lease.download_all(tmp_path, progress=tell)
    assert loops == {face == "asyncio"}


@pytest.mark.parametrize("name", FACES)
def test_who_opens_no_lease_tests_no_face(name: str) -> None:
    with pytest.raises(AssertionError, match=f"no lease of the {name} face"):
        OpenLease(name).close()


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every test of a face, and its fixtures, with the name of its file."""
    for path in TESTS.rglob("test_*.py"):
        if path.relative_to(TESTS).parts[0] == "simulator":  # its fixtures are its own
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                asked = {argument.arg for argument in node.args.args}
                if asked & OF_A_FACE and (node.name not in BESIDE):
                    yield path.name, node


def test_no_test_of_a_face_names_a_class() -> None:
    """It would be on one face, whatever its name says."""
    classes = {"HttpNfcLease", "AsyncHttpNfcLease"}
    found = [
        f"{name}: {function.name}"
        for name, function in functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in classes
    ]
    assert found == []
    assert sum(function.name.startswith("test_") for _, function in functions()) > 250
