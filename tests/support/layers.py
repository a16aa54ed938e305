"""Who imports whom: the tables of CONTRIBUTING.md, and what the sources say.

Rust by its `use` lines and paths, all crates; what a macro expands to is not looked at. Python by
its import statements, wherever they stand, in functions and under `TYPE_CHECKING` as well, and by
what it loads by name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
PACKAGE = ROOT / "python" / "nfclease"

Table = dict[str, set[str]]
#: A module, and what it tells `import_module`.
Loads = set[tuple[str, str]]


def section(heading: str, text: str | None) -> str:
    """What stands below a heading of CONTRIBUTING.md, or of a text like it."""
    text = text or (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    below = text.partition(f"### {heading}\n")[2]
    return re.split(r"^##+ ", below, maxsplit=1, flags=re.MULTILINE)[0]


def table(heading: str, text: str | None = None) -> Table:
    """The rows below a heading, in their order: a module, and what it may use."""
    rows = re.findall(r"^\| (`.+?`(?:, `.+?`)*) \| (.+) \|$", section(heading, text), re.MULTILINE)
    found: Table = {}
    for names, used in rows:
        above = {*found} if used == "everything above" else set(re.findall(r"`([\w/]+)`", used))
        found |= {name: {*above} for name in re.findall(r"`([\w/]+)`", names)}
    return found


def exceptions(text: str | None = None) -> Loads:
    """The rows of what is loaded by name and is not counted."""
    row = r"^\| `([\w/]+)` \| `([\w.*]+)` \| .+ \|$"
    return {*re.findall(row, section("Loaded by name", text), re.MULTILINE)}


def upwards(allowed: Table) -> set[tuple[str, str]]:
    """What a row may use that does not stand above it."""
    names = list(allowed)
    return {
        (name, used)
        for number, (name, uses) in enumerate(allowed.items())
        for used in uses - {*names[:number]}
    }


# Rust


#: Their `super::` is never of the core.
OWN_CRATES = {"python", "sha"}


def rust_imports(module: str, text: str, depth: int = 2) -> set[str]:
    """What a file names of the core's modules, and `nfclease_sha`, in `use` lines and in paths.

    `depth` is how many modules the file lies in, itself counted: so many `super::` are the core.
    """
    core = "nfclease" if module == "python" else "crate"
    inline = [found.span() for found in re.finditer(r"^mod \w+ \{$.*?^\}$", text, re.M | re.S)]
    used = {*re.findall(r"\bnfclease_(sha)::", text)}
    for found in re.finditer(rf"\b({core}::|(?:super::)+)(?!super\b)", text):
        within = depth + sum(start < found.start() < end for start, end in inline)
        supers = found[1].count("super::")
        if not supers or (supers == within and module not in OWN_CRATES):
            used |= rust_names(text[found.end() :])
    return used


def rust_names(rest: str) -> set[str]:
    """The first name of a path, of each path where there are several in braces."""
    if rest[0] != "{":
        return {re.match(r"\w+|.", rest)[0]}  # type: ignore[index]
    names, level = set(), 0
    for found in re.finditer(r"[{}]|(?:(?<=[{,])|^)\s*(\w+|\*)|,", rest):
        level += {"{": 1, "}": -1}.get(found[0], 0)
        if level == 0:
            break
        if level == 1 and found[1]:
            names.add(found[1])
    return names


def rust_modules() -> list[tuple[str, Path]]:
    found = [(path.stem, path) for path in SOURCE.glob("*.rs") if path.name != "lib.rs"]
    found += [(path.relative_to(SOURCE).parts[0], path) for path in SOURCE.glob("*/**/*.rs")]
    return found


# Python


def python_modules(package: Path) -> dict[str, Path]:
    """Each module by its path in the package without suffix; the package itself by its name."""
    found = {}
    for path in sorted([*package.rglob("*.py"), *package.glob("*.pyi")]):
        parts = path.relative_to(package).with_suffix("").parts
        found["/".join(parts[:-1] if parts[-1] == "__init__" else parts) or package.name] = path
    return found


def loaded_by_name(call: ast.Call) -> str | None:
    """What `import_module` is told; a star is at the end of a name that is put together."""
    function = call.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if name not in ("import_module", "__import__"):
        return None
    [told, *more] = call.args
    beginning = told.values[0] if isinstance(told, ast.JoinedStr) else told
    assert isinstance(beginning, ast.Constant), f"nobody sees what {ast.unparse(call)} loads"
    assert not more, f"a relative import: {ast.unparse(call)}"
    return f"{beginning.value!s}{'*' if isinstance(told, ast.JoinedStr) else ''}"


def python_imports(
    module: str, path: Path, modules: Iterable[str], house: str, named: Loads
) -> Iterator[str]:
    """The modules of a package that one of it imports, each as the most that can be meant."""
    known = {*modules}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            loaded = loaded_by_name(node)
            if loaded is None or (module, loaded) in named:
                continue
            if loaded.endswith("*"):
                dotted = {each: f"{house}.{each.replace('/', '.')}" for each in known - {house}}
                yield from (each for each in dotted if dotted[each].startswith(loaded[:-1]))
                continue
            told = [loaded]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            told = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            told = [alias.name for alias in node.names]
        else:
            continue
        for name in told:
            parts = name.split(".")
            if parts[0] != house:
                continue
            ends = ("/".join(parts[1:end]) for end in range(len(parts), 1, -1))
            yield next((end for end in ends if end in known), house)


def python_graph(package: Path, named: Loads | None = None) -> dict[str, set[str]]:
    """What each module imports, but for what is an exception by its name."""
    modules = python_modules(package)
    return {
        module: {*python_imports(module, path, modules, package.name, named or set())}
        for module, path in modules.items()
    }


def room(module: str, allowed: Mapping[str, object]) -> str | None:
    """The row of a module: its own, or that of the nearest folder around it."""
    while module not in allowed:
        module, slash, _ = module.rpartition("/")
        if not slash:
            return None
    return module


def offences(package: Path, allowed: Table, named: Loads | None = None) -> list[str]:
    """What is in no row, or imports what its row does not name."""
    found = []
    for module, used in python_graph(package, named).items():
        mine = room(module, allowed)
        if mine is None:
            found.append(f"{module} is in no row")
            continue
        theirs = {room(each, allowed) for each in used} - {mine, None}
        found += [f"{module} uses {each}" for each in sorted(map(str, theirs - allowed[mine]))]
    return found


def circle(package: Path, named: Loads | None = None) -> list[str]:
    """Modules that import each other in a ring."""
    try:
        TopologicalSorter(python_graph(package, named)).prepare()
    except CycleError as error:
        ring: list[str] = error.args[1]
        return ring
    return []
