"""That each test module stands alone: what two of them need is in `support/` or a `conftest.py`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def imported_tests(text: str) -> list[str]:
    """The test modules that a text imports, or takes something from."""
    named: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            named += [node.module or "", *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
    return [name for name in named if name.rpartition(".")[2].startswith("test_")]


def test_no_test_module_imports_another() -> None:
    modules = list(TESTS.rglob("test_*.py"))
    found = {
        str(path.relative_to(TESTS)): imported
        for path in modules
        if (imported := imported_tests(path.read_text(encoding="utf-8")))
    }
    assert len(modules) > 60
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "from .test_other import helper",
        "from ..room.test_other import helper",
        "from . import test_other",
        "from ..room import helper, test_other",
        "import tests.room.test_other",
        "def late() -> None:\n    import tests.room.test_other as other",
    ],
)
def test_an_import_of_another_is_seen(text: str) -> None:
    assert [name.rpartition(".")[2] for name in imported_tests(text)] == ["test_other"]


def test_what_is_shared_may_be_imported() -> None:
    assert imported_tests("from ..support import packages\nimport tests.support.web") == []
