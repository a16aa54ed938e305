"""Every shell line of the README and the docs runs, against the simulator."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim

from nfclease.fleet import Journal
from nfclease.simulator import Simulator

from ..peers.build import build
from ..support.journals import outcome, planned
from ..support.packages import ova, package
from ..support.shell_blocks import BLOCK, Command, commands, lines, run
from ..support.web import serving

ROOT = Path(__file__).parents[2]
PAGES = {
    page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8")
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
}
#: Lines that are not run here, and why.
EXEMPT = {
    # Its jobs have tests and CI runs of their own; that there is such a target is seen below.
    r"make [a-z-]+",
    # It would install into the tests' own environment; tests/tools/wheels.py installs wheels.
    r"pip install .*",
    # It wants libvirt; tests/appliance/test_kvm_page.py runs it where that is.
    r"virt-install .*",
    # They serve for days; tests/fleet/test_leave_page.py starts them, and exports by them.
    r"dask (scheduler|worker) .*",
    # Likewise in tests/fleet/test_executors_page.py.
    r"celery .* worker .*",
}
#: They serve until Ctrl-C, which they get after their first line.
SERVING = re.compile(r"^(?:python -m nfclease\.|nfclease )simulator --no-stdin.*$", re.MULTILINE)
#: What a reader fills in. Here the fixture does, right after the line has run.
LOGIN = re.compile(r"^export GOVC_.*$", re.MULTILINE)
#: It asks a person, of a lease that somebody left.
ASKING = re.compile(r"^nfclease release (\S+)$", re.MULTILINE)
HELD = r"govc export.ovf -f -lease -vm \1 > held.txt\nnfclease release \1 --yes"
#: The address of a package, which the test serves.
ADDRESS = re.compile(r"https://example\.com/(\S+)")
#: What an indented line of shell would begin with.
WORDS = r"\$|cargo|export|govc|make|nfclease|pip|python3?|sed|tar"
CHECKER = doctest.OutputChecker()
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def is_exempt(line: str) -> bool:
    return any(re.fullmatch(pattern, line) for pattern in EXEMPT)


def run_here() -> list[Any]:
    """The pages with commands that are run here."""
    found = {
        page: [each for each in commands(text) if not all(map(is_exempt, lines(each)))]
        for page, text in PAGES.items()
    }
    return [pytest.param(each, id=page) for page, each in found.items() if each]


@pytest.fixture
def environment(simulator: Simulator, demo_vm: Any, tmp_path: Path) -> dict[str, str]:
    """The login of the simulator, and the programs that a page takes for granted."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, starts in {"python": "", "python3": "", "nfclease": "-m nfclease"}.items():
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {starts} "$@"\n')
        program.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GOVC_")}
    return {
        **kept,
        "NFCLEASE_TO_URL": simulator.url,
        "NFCLEASE_TO_USERNAME": simulator.user,
        "NFCLEASE_TO_PASSWORD": simulator.password,
        "GOVC_URL": simulator.url,
        "GOVC_USERNAME": simulator.user,
        "GOVC_PASSWORD": simulator.password,
        "GOVC_TLS_CA_CERTS": str(simulator.ca_file),
        "GOVC_PERSIST_SESSION": "false",
        "PATH": os.pathsep.join([str(programs), str(build()), kept["PATH"]]),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }


@pytest.fixture
def rewrite(
    environment: dict[str, str], simulator: Simulator, demo_vm: Any, tmp_path: Path
) -> Iterator[Callable[[str], str]]:
    """What a reader fills in: logins and addresses of their own."""
    variables = {name: each for name, each in environment.items() if name.startswith("GOVC_")}
    login = shlex.join(["export", *(f"{name}={each}" for name, each in variables.items())])
    speaks = shlex.join(["python", str(ROOT / "tests" / "support" / "until_it_speaks.py")])
    before = set(demo_vm.parent.childEntity)
    with serving({"appliance.ova": ova(package())}, tmp_path) as web:
        trust = f"{web.origin}/\\1 --ca-file {shlex.quote(str(web.ca_file))}"

        def rewritten(text: str) -> str:
            text = LOGIN.sub(lambda found: f"{found[0]}\n{login}", text)
            text = SERVING.sub(lambda found: f"{speaks} {found[0]}", text)
            return ASKING.sub(HELD, ADDRESS.sub(trust, text))

        yield rewritten
    simulator.expire()  # what a page left held
    for made in set(demo_vm.parent.childEntity) - before:  # the next page wants its name
        if made.runtime.powerState == vim.VirtualMachine.PowerState.poweredOn:
            WaitForTask(made.PowerOffVM_Task())
        WaitForTask(made.Destroy_Task())


@pytest.mark.parametrize("wanted", run_here())
def test_shell_lines_of_a_page(
    wanted: list[Command],
    environment: dict[str, str],
    rewrite: Callable[[str], str],
    tmp_path: Path,
) -> None:
    directory = tmp_path / "work"
    directory.mkdir()
    with Journal(directory / "nightly.db") as journal:  # as a run of the fleet leaves it
        planned(journal, "export web", vm="web")
        journal.end(outcome("export web", vm="web", target="/backup/web.ova", bytes=2_500_000))
        planned(journal, "export db", vm="db")
    printed = run(wanted, directory, environment, rewrite)
    for command, got in zip(wanted, printed, strict=True):
        assert not command.expected or CHECKER.check_output(command.expected, got, FLAGS), (
            f"{command.text}printed\n{got}instead of\n{command.expected}"
        )


def test_no_shell_block_of_a_page_is_overlooked() -> None:
    for page, text in PAGES.items():
        shells = re.findall(r"``` *(?:sh|shell|bash|console|zsh|terminal)\b", text)
        assert len(BLOCK.findall(text)) == len(shells), page
        outside = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
        assert not re.search(rf"^ {{4}}(?:{WORDS}) ", outside, re.MULTILINE), page


def test_what_is_not_run_is_there_at_least() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    every = [line for text in PAGES.values() for each in commands(text) for line in lines(each)]
    for pattern in EXEMPT:
        assert any(re.fullmatch(pattern, line) for line in every), f"{pattern}: not in any page"
    for line in every:
        if found := re.fullmatch(r"make ([a-z-]+)", line):
            assert found[1] in targets, line


def test_a_line_that_fails_is_told_with_its_block(tmp_path: Path) -> None:
    wanted = [Command("echo one\n"), Command("false  # fails\n"), Command("echo three\n")]
    with pytest.raises(AssertionError, match=r"exit code 1: false"):
        run(wanted, tmp_path, os.environ, str)
    with pytest.raises(AssertionError, match=r"exit code 1: false \| true"):
        run([Command("false | true\n")], tmp_path, os.environ, str)
    assert run(wanted[::2], tmp_path, os.environ, str) == ["one\n", "three\n"]


def test_what_is_typed_is_told_from_what_is_printed() -> None:
    page = "```console\n$ echo a \\\n> b\na b\n$ true\n```\n\n```bash\nid  # who\n\n# no\n```\n"
    typed, silent, block = commands(page)
    assert (typed.text, typed.expected) == ("echo a \\\nb\n", "a b\n")
    assert (silent.text, silent.expected) == ("true\n", "")
    assert list(lines(typed)) == ["echo a b"]
    assert list(lines(block)) == ["id"]
