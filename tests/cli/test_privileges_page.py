"""The page of privileges has what the command asks the server for, job by job."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ..support.command import Command, objects

PAGE = (Path(__file__).parents[2] / "docs" / "privileges.md").read_text(encoding="utf-8")


def listed(title: str) -> set[str]:
    """The privileges of one job."""
    section = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("privileges") / "demo-vm.ova"


@pytest.mark.parametrize(
    ("title", "command"),
    [
        ("Export a VM that is off", "export demo-vm -o {}"),
        ("Export a VM that runs", "export running-vm --snapshot -o {}"),
        ("Import a package", "import {} --name documented --power-on"),
    ],
)
def test_what_is_asked_for_is_on_the_page(
    nfclease: Command, package: Path, title: str, command: str
) -> None:
    if command.startswith("import"):
        assert nfclease("export", "demo-vm", "-o", package).code == 0
    arguments = command.format(package).split()
    done = nfclease(*arguments, "--dry-run", "--json")
    rows = objects(done.stdout)
    asked = {row["privilege"] for row in rows if row["type"] == "privilege"}
    assert asked, done.stderr
    assert asked <= listed(title)
