"""Completion, tried in the shells themselves."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nfclease.cli.completion import commands_of, options_of, script, takes_file
from nfclease.cli.parser import COMMANDS, parser

from ...support.tmux import Tmux


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A place with a few files, whose names need care."""
    for name in ("a b.ova", "demo.ova", "other.txt"):
        (tmp_path / name).touch()
    (tmp_path / "directory").mkdir()
    return tmp_path


def bash(folder: Path, *words: str) -> list[str]:
    """What bash offers for the last word."""
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("not run: bash is not installed")
    code = (
        f"{script('bash', parser())}\nCOMP_WORDS=(nfclease {shlex.join(words)})\n"
        f"COMP_CWORD={len(words)}\n_nfclease\n"
        "((${#COMPREPLY[@]})) && printf '%s\\n' \"${COMPREPLY[@]}\"\ntrue"
    )
    done = subprocess.run([shell, "-c", code], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_bash_knows_the_commands(folder: Path) -> None:
    assert bash(folder, "") == list(COMMANDS)
    assert bash(folder, "ex") == ["export"]
    assert bash(folder, "--v") == ["--version"]


@pytest.mark.parametrize("name", COMMANDS)
def test_bash_knows_each_option(folder: Path, name: str) -> None:
    known = [
        flag for each in options_of(commands_of(parser())[name]) for flag in each.option_strings
    ]
    assert bash(folder, name, "-") == known


def test_bash_knows_values_and_files(folder: Path) -> None:
    every = ["a b.ova", "demo.ova", "directory", "other.txt"]
    assert bash(folder, "completion", "") == ["bash", "zsh"]
    assert bash(folder, "simulator", "--upload-status", "20") == ["200", "201", "204"]
    assert sorted(bash(folder, "verify", "")) == every
    assert bash(folder, "verify", "demo.ova", "a") == ["a b.ova"]
    assert bash(folder, "export", "demo-vm", "-o", "di") == ["directory"]
    assert bash(folder, "export", "demo-vm", "--output", "=", "dem") == ["demo.ova"]
    assert sorted(bash(folder, "export", "demo-vm", "--output", "=")) == every
    assert bash(folder, "export", "dem") == [], "a VM is no file"
    assert bash(folder, "verify", "--ssl-thumbprint", "") == []


def actions() -> Iterator[tuple[str, argparse.Action]]:
    for name, sub in commands_of(parser()).items():
        for action in sub._actions:
            yield name, action


def test_what_is_a_file_says_so() -> None:
    """By its metavar: what has a local file as its value is completed, and nothing else."""
    files = {(name, action.dest) for name, action in actions() if takes_file(action)}
    assert files >= {
        ("export", "password_file"),
        ("inspect", "ca_file"),
        ("inspect", "package"),
        ("verify", "packages"),
    }
    for name, dest in files:
        assert dest not in ("vm", "pool", "datastore", "folder", "host", "name", "network"), name


Shell = Callable[[str], Tmux]


@pytest.fixture
def shell(folder: Path) -> Iterator[Shell]:
    """Starts a shell with the completion in a terminal."""
    opened: list[Tmux] = []
    here = folder / "directory"

    def shell(name: str) -> Tmux:
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"not run: {name} is not installed")
        scripts = folder / "scripts"
        scripts.mkdir()
        (scripts / "completion").write_text(script(name, parser()))
        (here / "demo-vm.ova").touch()
        start = {
            "bash": f"source {shlex.quote(str(scripts / 'completion'))}\nPS1='ready$ '\n",
            "zsh": "autoload -Uz compinit && compinit -u -D\n"
            f"source {shlex.quote(str(scripts / 'completion'))}\nPS1='ready$ '\n",
        }[name]
        environment = {**os.environ, "HOME": str(scripts), "ZDOTDIR": str(scripts)}
        for file in (".bashrc", ".zshrc"):
            (scripts / file).write_text(f"{start}cd {shlex.quote(str(here))}\n")
        # The command itself need not be on the PATH to be completed.
        opened.append(Tmux([path, "-i"], environment=environment))
        opened[0].until("ready$")
        return opened[0]

    yield shell
    for each in opened:
        each.close()


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_tab_in_a_terminal(shell: Shell, name: str) -> None:
    """The keys that a person presses, in the shell that the person has."""
    window = shell(name)

    def completed(typed: str, to: str) -> None:
        window.type(f"{typed}\t")
        window.until(lambda screen: screen.rstrip().endswith(f"ready$ {to}"))
        window.press("C-u")
        window.until(lambda screen: screen.rstrip().endswith("ready$"))

    completed("nfclease insp", "nfclease inspect")
    completed("nfclease verify dem", "nfclease verify demo-vm.ova")
    completed("nfclease inspect --eul", "nfclease inspect --eula")
    completed("nfclease completion z", "nfclease completion zsh")
    completed(
        "nfclease export vm --password-file demo", "nfclease export vm --password-file demo-vm.ova"
    )
    window.type("nfclease \t\t")
    window.until(lambda shown: all(command in shown for command in COMMANDS))


def test_zsh_says_what_each_is(shell: Shell) -> None:
    window = shell("zsh")
    window.type("nfclease \t")
    window.until(lambda shown: "completion" in shown and "list VMs" in shown)
    window.press("C-u")
    window.type("nfclease verify --\t")
    window.until("what is only odd is wrong, too")


def test_zsh_takes_it_from_a_directory_of_functions(folder: Path) -> None:
    """As a file ``_nfclease`` in ``fpath``, which compinit finds."""
    path = shutil.which("zsh")
    if path is None:
        pytest.skip("not run: zsh is not installed")
    (folder / "_nfclease").write_text(script("zsh", parser()))
    code = (
        f"fpath=({shlex.quote(str(folder))} $fpath); autoload -Uz compinit && compinit -u -D\n"
        "print -r -- $_comps[nfclease]"
    )
    done = subprocess.run([path, "-f", "-c", code], capture_output=True, text=True)
    assert done.stdout == "_nfclease\n", done.stderr


def test_the_command_prints_it() -> None:
    for name in ("bash", "zsh"):
        done = subprocess.run(
            [sys.executable, "-m", "nfclease", "completion", name], capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == script(name, parser())
