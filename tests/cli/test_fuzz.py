"""Any arguments at all: a documented exit code, a few lines, no traceback, no unforeseen error.

The options come from the parser, so those of a later day are tried as well.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nfclease import export_vm
from nfclease.cli.main import main
from nfclease.cli.parser import parser
from nfclease.simulator import Simulator

from ..support.command import Command, govc_environment
from ..support.inventory import connected, demo_vm_of, unique

ROUNDS = 32
CODES = {0, 1, 2, 3}

HOSTILE = [
    "", "-", "--", "---", "=", "a=", "=b", "a=b=c", "%2f", "%", "/", "//", "..", ".", "*", "[", "?",
    "\x1b[31mred", "two\nlines", "\udcff", "\u202e", "\U0001f600", "%s{}%(x)s", "a" * 5000,
    "9" * 5000,
    "-1", "0", "1e999", "nan", "0x10", "vm-101", "group-v3", "demo-vm", "/DC0/vm/demo-vm",
    "DC0/vm/no-such-vm", "/DC0/host/Cluster/Resources", "https://127.0.0.1:1/x.ova", "https://",
    "http://127.0.0.1/x.ova", "https://user:hush-hush@127.0.0.1:1/x.ova", "file:///etc/passwd",
    "/dev/null", "/proc/self/mem", "/no/such/folder/x.ova", "x.ova", "--help", "-vvv",
]  # fmt: skip


#: Most values of these let no command begin.
SELDOM = {"url", "username", "password_file", "tls_ca_certs", "tls_known_hosts", "datacenter"}
SELDOM |= {"pull", "ca_file", "ssl_thumbprint", "properties", "property", "export_option"}
#: By what the help calls it: a value that can work, so that a wrong one elsewhere gets far.
RIGHT = {
    "VM": "demo-vm",
    "PATTERN": "*.nvram",
    "POOL": "/DC0/host/Cluster/Resources",
    "STORE": "datastore1",
    "A=B": "VM Network=VM Network",
}


def set_right(package: str) -> None:
    """A package that is there, a target and a name that are not."""
    name = unique("fuzz")
    RIGHT.update(SOURCE=package, PACKAGE=package, TARGET=f"{name}.ova", NAME=name)


@pytest.fixture(scope="module")
def package(shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("fuzz") / "demo-vm.ova"
    for service in connected(shared_simulator):
        export_vm(demo_vm_of(service), path)
    return str(path)


@pytest.fixture(autouse=True)
def surroundings(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    for name, value in govc_environment(simulator).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    with open("/dev/null") as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        yield


def commands() -> dict[str, argparse.ArgumentParser]:
    """By name; not the simulator, which serves, and whose own tests try its options."""
    [found] = [action.choices for action in parser()._actions if action.dest == "command"]
    assert isinstance(found, dict)
    return {name: each for name, each in found.items() if name != "simulator"}


def arguments(dice: random.Random, of: argparse.ArgumentParser, values: list[str]) -> list[str]:
    """Some of the options and positional arguments, right ones and wrong ones."""
    made: list[list[str]] = []
    for action in of._actions:
        likely = 0.95 if action.required else 0.02 if action.dest in SELDOM else 0.15
        likely = 0.7 if action.dest == "name" else likely
        if dice.random() > likely or action.dest == "help":
            continue
        chosen = [*map(str, action.choices or ())]
        right = chosen or [RIGHT.get(str(action.metavar), "1")]
        value = dice.choice(right if dice.random() < 0.6 else values)
        option = [dice.choice(action.option_strings)] if action.option_strings else []
        made.append([*option, *([] if action.nargs == 0 else [value])])
    if dice.random() < 0.1:
        made.append([dice.choice(values)])
    dice.shuffle(made)
    return [part for parts in made for part in parts]


def check(case: list[str], code: int, out: str, err: str) -> None:
    assert code in CODES, case
    assert "Traceback" not in out + err, case
    assert "--debug shows where" not in err, (case, err)
    assert "hush-hush" not in err, (case, err)
    assert "\x1b[31m" not in err, (case, err)
    if code not in (0, 3):
        assert any(line.startswith("nfclease") for line in err.splitlines()), (case, code, err)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", sorted(commands()))
def test_each_command(
    name: str, seed: int, package: str, capfd: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(f"{name} {seed}")
    of = commands()[name]
    for _ in range(ROUNDS // 4):
        set_right(package)
        case = [name, *arguments(dice, of, HOSTILE)]
        case = [part for part in case if part != "--debug"]
        code = main(case)
        check(case, code, *capfd.readouterr())


def test_no_arguments_that_make_sense(capfd: pytest.CaptureFixture[str]) -> None:
    dice = random.Random(1)
    names = [*commands(), *HOSTILE]
    for _ in range(150):
        case = [dice.choice(names) for _ in range(dice.randrange(3))]
        case = [part for part in case if part not in ("export", "import", "simulator")]
        code = main(case)
        check(case, code, *capfd.readouterr())


@pytest.mark.parametrize("name", sorted(commands()))
def test_as_a_process(name: str, package: str, simulator: Simulator, tmp_path: Path) -> None:
    """Standard streams as a shell gives them."""
    dice = random.Random(name)
    run = Command(govc_environment(simulator))
    for _ in range(3):
        set_right(package)
        case = [name, *arguments(dice, commands()[name], HOSTILE)]
        case = [part for part in case if part != "--debug"]
        done = run(*case, cwd=tmp_path, errors="backslashreplace")
        check(case, done.code, done.stdout, done.stderr)
