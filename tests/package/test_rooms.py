"""That each test module stands alone: what two of them need is in `support/` or a `conftest.py`."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_no_test_module_imports_another() -> None:
    modules = list(TESTS.rglob("test_*.py"))
    found = [
        f"{path.relative_to(TESTS)}: {node.module}"
        for path in modules
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").rpartition(".")[2].startswith("test_")
    ]
    assert len(modules) > 60
    assert found == []
