"""Imports run one way: the table in CONTRIBUTING.md, read off the `use` lines.

Covers both Rust crates; what a macro expands to is not looked at.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"

ALLOWED: dict[str, set[str]] = {
    "text": set(),
    "number": set(),
    "advice": set(),
    "vmdk": set(),
    "secrets": {"text"},
    "xml": {"error", "text"},
    "error": {"advice", "text"},
    "io": {"error", "text"},
    "http": {"error", "advice", "secrets", "text", "number"},
    "soap": {"http", "xml", "error", "advice", "secrets", "text", "number"},
    "transfer": {"http", "io", "vmdk", "error", "text", "number"},
    "lease": {"transfer", "soap", "http", "io", "error", "text", "number"},
}
ALLOWED["python"] = {*ALLOWED}


def imports(module: str, text: str) -> set[str]:
    """The core's modules that a file names, in `use` lines and in paths."""
    core = "nfclease" if module == "python" else "crate"
    return set(re.findall(rf"\b{core}::(\w+)", text))


def modules() -> list[tuple[str, Path]]:
    found = [(path.stem, path) for path in SOURCE.glob("*.rs") if path.name != "lib.rs"]
    found += [(path.relative_to(SOURCE).parts[0], path) for path in SOURCE.glob("*/**/*.rs")]
    return found


def test_every_module_is_in_the_table() -> None:
    assert {name for name, _ in modules()} == set(ALLOWED)


@pytest.mark.parametrize(("module", "path"), modules())
def test_direction(module: str, path: Path) -> None:
    used = imports(module, path.read_text(encoding="utf-8")) - {module}
    assert used <= ALLOWED[module], f"{path.name} imports upwards: {used - ALLOWED[module]}"


def test_only_the_bindings_know_python() -> None:
    for module, path in modules():
        if module != "python":
            assert "pyo3" not in path.read_text(encoding="utf-8"), path


def test_the_table_in_the_docs_is_this_one() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+?`(?:, `.+?`)*) \| (.+) \|$", text, re.MULTILINE)
    table = {
        name: set(re.findall(r"`(\w+)`", used))
        for names, used in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    table["python"] = ALLOWED["python"]
    assert table == ALLOWED
