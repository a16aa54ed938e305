"""What type checkers say of user code, right and wrong, and how complete the types are."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nfclease
import nfclease.fleet
import nfclease.inventory
from nfclease import AsyncHttpNfcLease, HttpNfcLease, Transfer, TransferProgress, TransferResult
from nfclease.simulator import Simulator

CODE = Path(__file__).parent / "typing"
PACKAGES = Path(nfclease.__file__).parents[1]


def mypy(name: str) -> list[str]:
    """The lines of ``mypy --strict`` on a file, without the project's own settings."""
    path = {} if PACKAGES.name == "site-packages" else {"MYPYPATH": str(PACKAGES)}
    command = ["-m", "mypy", "--strict", "--config-file=", "--no-error-summary", name]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=CODE,
        env={**os.environ, **path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith(f"{name}:")]


def test_right_code_is_accepted() -> None:
    assert mypy("good.py") == []


def test_wrong_code_is_refused_line_by_line() -> None:
    lines = (CODE / "bad.py").read_text(encoding="utf-8").splitlines()
    expected = {
        (number, code)
        for number, line in enumerate(lines, start=1)
        for code in re.findall(r"# expect: ([a-z-]+)$", line)
    }
    found = {
        (int(match[1]), match[2])
        for line in mypy("bad.py")
        if (match := re.fullmatch(r"bad\.py:(\d+): error: .*\[([a-z-]+)\]", line))
    }
    assert found == expected
    assert len(expected) > 30


def public(kind: type) -> set[str]:
    """What a class has to offer beyond pyvmomi's bases, fields and annotations included."""
    ours = [base for base in kind.__mro__ if base.__module__.startswith("nfclease")]
    names = {name for one in ours for name in (*vars(one), *vars(one).get("__annotations__", {}))}
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize(
    "kind",
    [HttpNfcLease, AsyncHttpNfcLease, Transfer, TransferProgress, TransferResult, Simulator],
)
def test_right_code_uses_every_public_name(kind: type) -> None:
    tree = ast.parse((CODE / "good.py").read_text(encoding="utf-8"))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names = public(kind)
    if kind is Simulator:  # its attributes are texts and numbers
        names = {name for name in names if callable(getattr(kind, name, None))}
    assert names - used == set()
    assert {*nfclease.__all__, *nfclease.inventory.__all__, *nfclease.fleet.__all__} - used == set()


def test_every_public_type_is_known(tmp_path: Path) -> None:
    """Pyright's own measure, of what is nfclease's; pyvmomi's declarations have gaps."""
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    # It looks for packages where the Python on the PATH does.
    where = {"PATH": os.pathsep.join(folders), "PYTHONPATH": str(PACKAGES)}
    command = ["-m", "pyright", "--verifytypes", "nfclease", "--ignoreexternal"]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env={**os.environ, **where},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert f'Package directory: "{PACKAGES / "nfclease"}"' in done.stdout
    assert "Type completeness score: 100%" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


def test_the_twin_takes_the_keywords_of_the_class() -> None:
    """`LeaseOptions` is for type checkers only: Python cannot hold it to the constructor."""
    folder = Path(nfclease.__file__).parent
    sources = [(folder / name).read_text("utf-8") for name in ("_arguments.py", "lease.py")]
    options, constructor = {}, {}
    for node in (node for source in sources for node in ast.walk(ast.parse(source))):
        if isinstance(node, ast.ClassDef) and node.name == "LeaseOptions":
            fields = [field for field in node.body if isinstance(field, ast.AnnAssign)]
            options = {ast.unparse(field.target): ast.unparse(field.annotation) for field in fields}
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            constructor = {
                argument.arg: ast.unparse(argument.annotation)
                for argument in node.args.kwonlyargs
                if argument.annotation
            }
    assert options
    assert options == constructor
