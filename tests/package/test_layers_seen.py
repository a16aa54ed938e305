"""That each import that no row names is seen, in a house of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..support.layers import circle, exceptions, offences, rust_imports, table, upwards


def package(folder: Path, **modules: str) -> Path:
    for name, text in {"__init__": "", **modules}.items():
        path = folder / "house" / f"{name.replace('__', '/') if name != '__init__' else name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "house"


HOUSE = """### Python

| module | may use |
| --- | --- |
| `ground` | nothing |
| `room`, `other` | `ground` |
| `house` | everything above |
"""


@pytest.mark.parametrize(
    "text",
    [
        "from house import other",
        "from house.other import thing",
        "import house.other",
        "def late() -> None:\n    from house.other import thing",
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from house.other import thing",
        "from importlib import import_module\nimport_module('house.other')",
        "import importlib\nimportlib.import_module(f'house.o{__name__}')",
        "__import__('house.other')",
    ],
)
def test_an_arrow_that_no_row_names_is_found(tmp_path: Path, text: str) -> None:
    house = package(tmp_path, ground=text, other="from house import ground", room__inner=text)
    assert offences(house, table("Python", HOUSE)) == ["ground uses other", "room/inner uses other"]


def test_an_exception_is_not_counted(tmp_path: Path) -> None:
    text = "import importlib\nimportlib.import_module(f'house.{__name__}')"
    house = package(tmp_path, ground=text, other="from house import ground")
    assert offences(house, table("Python", HOUSE)) == ["ground uses other"]
    assert circle(house)
    heading = "### Loaded by name\n\n| module | loads | why |\n| --- | --- | --- |\n"
    named = exceptions(f"{heading}| `ground` | `house.*` | made up |\n")
    assert offences(house, table("Python", HOUSE), named) == []
    assert circle(house, named) == []


def test_what_is_loaded_must_be_seen(tmp_path: Path) -> None:
    text = "import importlib\nimportlib.import_module(__name__)"
    with pytest.raises(AssertionError, match="nobody sees what"):
        offences(package(tmp_path, ground=text), table("Python", HOUSE))


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("use crate::other::Thing;", {"other"}),
        ("use crate::{other::{Thing, More}, room};", {"other", "room"}),
        (
            "use crate::{\n    other,\n    room::{self, inner::{Deep, Deeper}},\n};",
            {"other", "room"},
        ),
        ("use crate::*;", {"*"}),
        ("use super::super::other::Thing;", {"other"}),
        ("use super::super::{other, room::Inner};", {"other", "room"}),
        ("fn f() {\n    super::super::other::call();\n}", {"other"}),
        ("use super::sibling::Thing;", set()),
        ("mod tests {\n    use super::super::sibling;\n}", set()),
        ("mod tests {\n    use super::super::super::other;\n}", {"other"}),
    ],
)
def test_what_a_rust_file_names_is_found(text: str, used: set[str]) -> None:
    assert rust_imports("room", text) == used


def test_a_module_without_a_row_is_found(tmp_path: Path) -> None:
    assert offences(package(tmp_path, cellar=""), table("Python", HOUSE)) == ["cellar is in no row"]


def test_a_circle_within_a_room_is_found(tmp_path: Path) -> None:
    later = "if TYPE_CHECKING:\n    from house.room import one"
    house = package(tmp_path, room__one="from house.room.two import x", room__two=later)
    assert offences(house, table("Python", HOUSE)) == []
    assert set(circle(house)) == {"room/one", "room/two"}


def test_a_row_that_points_upwards_is_found() -> None:
    wrong = HOUSE.replace("| `ground` | nothing |", "| `ground` | `room` |")
    assert upwards(table("Python", wrong)) == {("ground", "room")}
