"""Imports run one way: the tables of CONTRIBUTING.md, held to the sources.

Rust by its `use` lines and paths, all crates; what a macro expands to is not looked at. Python by
its import statements, wherever they stand: in functions and under `TYPE_CHECKING` as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
PACKAGE = ROOT / "python" / "nfclease"

Table = dict[str, set[str]]


def table(heading: str, text: str | None = None) -> Table:
    """The rows below a heading, in their order: a module, and what it may use."""
    text = text or (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = re.split(r"^##+ ", text.partition(f"### {heading}\n")[2], maxsplit=1, flags=re.M)[0]
    found: Table = {}
    for names, used in re.findall(r"^\| (`.+?`(?:, `.+?`)*) \| (.+) \|$", section, re.MULTILINE):
        above = {*found} if used == "everything above" else set(re.findall(r"`([\w/]+)`", used))
        found |= {name: {*above} for name in re.findall(r"`([\w/]+)`", names)}
    return found


def upwards(allowed: Table) -> set[tuple[str, str]]:
    """What a row may use that does not stand above it."""
    names = list(allowed)
    return {
        (name, used)
        for number, (name, uses) in enumerate(allowed.items())
        for used in uses - {*names[:number]}
    }


# Rust


def rust_imports(module: str, text: str) -> set[str]:
    """What a file names of the core's modules, and `nfclease_sha`, in `use` lines and in paths."""
    core = "nfclease" if module == "python" else "crate"
    return {*re.findall(rf"\b{core}::(\w+)", text), *re.findall(r"\bnfclease_(sha)::", text)}


def rust_modules() -> list[tuple[str, Path]]:
    found = [(path.stem, path) for path in SOURCE.glob("*.rs") if path.name != "lib.rs"]
    found += [(path.relative_to(SOURCE).parts[0], path) for path in SOURCE.glob("*/**/*.rs")]
    return found


def test_every_rust_module_is_in_the_table() -> None:
    assert {name for name, _ in rust_modules()} == {*table("Rust")}


@pytest.mark.parametrize(("module", "path"), rust_modules())
def test_rust_direction(module: str, path: Path) -> None:
    used = rust_imports(module, path.read_text(encoding="utf-8")) - {module}
    allowed = table("Rust")[module]
    assert used <= allowed, f"{path.name} imports upwards: {used - allowed}"


def test_one_small_crate_has_the_unsafe_block() -> None:
    sources = {path: path.read_text(encoding="utf-8") for _, path in rust_modules()}
    crate = SOURCE / "sha"
    used = [path for path, text in sources.items() if re.search(r"\bunsafe (\{|fn|impl)", text)]
    assert used == [crate / "lib.rs"]
    assert sources[crate / "lib.rs"].count("unsafe {") == 1
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


def python_modules(package: Path) -> dict[str, Path]:
    """Each module by its path in the package without suffix; the package itself by its name."""
    found = {}
    for path in sorted([*package.rglob("*.py"), *package.glob("*.pyi")]):
        parts = path.relative_to(package).with_suffix("").parts
        found["/".join(parts[:-1] if parts[-1] == "__init__" else parts) or package.name] = path
    return found


def python_imports(path: Path, package: Path, modules: Iterable[str]) -> Iterator[str]:
    """The modules of the package that a file imports, each as the most that can be meant."""
    known = {*modules}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            named = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        else:
            continue
        for name in named:
            parts = name.split(".")
            if parts[0] != package.name:
                continue
            ends = ("/".join(parts[1:end]) for end in range(len(parts), 1, -1))
            yield next((end for end in ends if end in known), package.name)


def python_graph(package: Path) -> dict[str, set[str]]:
    modules = python_modules(package)
    return {name: {*python_imports(path, package, modules)} for name, path in modules.items()}


def room(module: str, allowed: Mapping[str, object]) -> str | None:
    """The row of a module: its own, or that of the nearest folder around it."""
    while module not in allowed:
        module, slash, _ = module.rpartition("/")
        if not slash:
            return None
    return module


def offences(package: Path, allowed: Table) -> list[str]:
    """What is in no row, or imports what its row does not name."""
    found = []
    for module, used in python_graph(package).items():
        mine = room(module, allowed)
        if mine is None:
            found.append(f"{module} is in no row")
            continue
        theirs = {room(each, allowed) for each in used} - {mine, None}
        found += [f"{module} uses {each}" for each in sorted(map(str, theirs - allowed[mine]))]
    return found


def circle(package: Path) -> list[str]:
    """Modules that import each other in a ring."""
    try:
        TopologicalSorter(python_graph(package)).prepare()
    except CycleError as error:
        ring: list[str] = error.args[1]
        return ring
    return []


def rules() -> Table:
    """The table of the package, with that of the simulator in the place of its one row."""

    def inside(name: str) -> str:
        return name if name == "simulator" else f"simulator/{name}"

    rooms = table("The simulator").items()
    return table("Python") | {inside(name): {*map(inside, used)} for name, used in rooms}


def test_python_direction() -> None:
    assert offences(PACKAGE, rules()) == []


def test_nobody_uses_the_simulator_and_it_uses_nobody() -> None:
    for module, used in python_graph(PACKAGE).items():
        here = module.partition("/")[0] == "simulator"
        assert {each.partition("/")[0] == "simulator" for each in used} <= {here}, module


def test_python_has_no_circle() -> None:
    """Between rooms the table has none; this is of the modules, those of one room as well."""
    assert circle(PACKAGE) == []


def test_every_row_is_there() -> None:
    modules = python_modules(PACKAGE)
    assert [name for name in rules() if name not in modules] == []


@pytest.mark.parametrize("language", ["Rust", "Python", "The simulator"])
def test_a_table_names_only_what_stands_above(language: str) -> None:
    assert table(language)
    assert upwards(table(language)) == set()


# The test itself


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
    ],
)
def test_an_arrow_that_no_row_names_is_found(tmp_path: Path, text: str) -> None:
    house = package(tmp_path, ground=text, other="from house import ground", room__inner=text)
    assert offences(house, table("Python", HOUSE)) == ["ground uses other", "room/inner uses other"]


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
