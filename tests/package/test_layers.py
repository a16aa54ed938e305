"""Imports run one way: the tables of CONTRIBUTING.md, held to the sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nfclease

from ..support.layers import (
    PACKAGE,
    SOURCE,
    Table,
    circle,
    exceptions,
    offences,
    python_graph,
    python_modules,
    room,
    rust_imports,
    rust_modules,
    table,
    upwards,
)

# Rust


def test_every_rust_module_is_in_the_table() -> None:
    assert {name for name, _ in rust_modules()} == {*table("Rust")}


@pytest.mark.parametrize(("module", "path"), rust_modules())
def test_rust_direction(module: str, path: Path) -> None:
    depth = len(path.relative_to(SOURCE).with_suffix("").parts) - (path.name == "mod.rs")
    used = rust_imports(module, path.read_text(encoding="utf-8"), depth) - {module}
    allowed = table("Rust")[module]
    assert used <= allowed, f"{path.name} imports upwards: {used - allowed}"


def test_one_small_crate_has_the_unsafe_blocks() -> None:
    sources = {path: path.read_text(encoding="utf-8") for _, path in rust_modules()}
    crate = SOURCE / "sha"
    used = [path for path, text in sources.items() if re.search(r"\bunsafe (\{|fn|impl)", text)]
    assert used == [crate / "lib.rs"]
    assert sources[crate / "lib.rs"].count("unsafe {") == 2
    assert sum(len(sources[path].splitlines()) for path in crate.glob("*.rs")) <= 200


#: What a hint in the core would name: arguments of Python's own ``ssl`` and of pyvmomi, and ours
#: where a message says them in passing; and the ``with`` block, which a Rust caller has not.
PYTHON_KEYWORDS = (
    r"SSLContext|SmartConnect|certFile|keyFile|cafile|serverPemCert|customHeaders|thumbprint="
    r"|minimum_version|\((max|verify|require)_\w+\)\"|\bblock was left"
)


def test_only_the_bindings_know_python() -> None:
    for module, path in rust_modules():
        if module != "python":
            text = path.read_text(encoding="utf-8")
            assert "pyo3" not in text, path
            assert not re.search(r"\w+=(True|False)\b", text), path
            assert not re.search(PYTHON_KEYWORDS, text), path


# Python


def rules() -> Table:
    """The table of the package, with that of the simulator in the place of its one row."""

    def inside(name: str) -> str:
        return name if name == "simulator" else f"simulator/{name}"

    rooms = table("The simulator").items()
    return table("Python") | {inside(name): {*map(inside, used)} for name, used in rooms}


def test_python_direction() -> None:
    assert offences(PACKAGE, rules(), exceptions()) == []


def test_each_exception_is_needed() -> None:
    assert exceptions()
    for one in exceptions():
        assert offences(PACKAGE, rules(), exceptions() - {one}), f"nobody needs {one}"


def test_a_public_name_comes_from_what_stands_above() -> None:
    """The exception of `nfclease.*`: what it loads is in its table."""
    above = rules()["nfclease"]
    assert {room(name.replace(".", "/"), rules()) for name in nfclease._LATER.values()} <= above


def test_nobody_uses_the_simulator_and_it_uses_nobody() -> None:
    for module, used in python_graph(PACKAGE, exceptions()).items():
        here = module.partition("/")[0] == "simulator"
        assert {each.partition("/")[0] == "simulator" for each in used} <= {here}, module


def test_python_has_no_circle() -> None:
    """Between rooms the table has none; this is of the modules, those of one room as well."""
    assert circle(PACKAGE, exceptions()) == []


def test_every_row_is_there() -> None:
    modules = python_modules(PACKAGE)
    assert [name for name in rules() if name not in modules] == []


@pytest.mark.parametrize("language", ["Rust", "Python", "The simulator"])
def test_a_table_names_only_what_stands_above(language: str) -> None:
    assert table(language)
    assert upwards(table(language)) == set()
