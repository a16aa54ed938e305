"""What is printed where, and the exit codes, whatever the standard streams are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nfclease import export_vm
from nfclease.simulator import Simulator

from ..support.command import Command, objects
from ..support.inventory import connected, demo_vm_of, unique

FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory, shared_simulator: Simulator) -> Path:
    """A package with a byte that is not the one of its manifest file."""
    path = tmp_path_factory.mktemp("damaged") / "demo-vm"
    for service in connected(shared_simulator):
        export_vm(demo_vm_of(service), path)
    with (path / "demo-vm.nvram").open("r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))
    return path


def through_shell(nfclease: Command, line: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line],
        env={**nfclease.environment, "N": "python -m nfclease"},
        capture_output=True,
        text=True,
        timeout=90,
        **options,
    )


@pytest.fixture
def in_shell(nfclease: Command, tmp_path: Path) -> Command:
    """`python` is this one."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    path = f"{tmp_path / 'bin'}{os.pathsep}{nfclease.environment['PATH']}"
    nfclease.environment["PATH"] = path
    nfclease.environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    return nfclease


def test_not_verified_is_three(nfclease: Command, damaged: Path) -> None:
    done = nfclease("verify", damaged)
    assert done.code == 3
    assert "demo-vm.nvram" in done.stdout + done.stderr
    done = nfclease("verify", damaged, "--json")
    assert done.code == 3
    assert all(objects(done.stdout))


def test_an_export_that_is_not_what_the_server_has(
    nfclease: Command, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.inject("flip", disk="disk-1.vmdk", offset=4096, mask=1)
    done = nfclease("export", "demo-vm", "-o", tmp_path / "x.ova", "-q")
    assert (done.code, done.stdout) == (3, ""), done.stderr
    assert "disk-1.vmdk" in done.stderr
    assert len(done.stderr.splitlines()) <= 6  # each repetition is warned of
    assert [*tmp_path.iterdir()] == []


def test_debug_shows_where(nfclease: Command) -> None:
    done = nfclease("ls", "--debug", env={"GOVC_URL": "127.0.0.1:1"})
    assert done.code == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("nfclease: 127.0.0.1:1 cannot be reached")
    done = nfclease("ls", env={"GOVC_URL": "127.0.0.1:1"})
    assert (done.code, len(done.stderr.splitlines())) == (1, 1)


@pytest.mark.parametrize(
    "line",
    [
        "$N ls | true",
        "$N ls --json | true",
        "$N --help | true",
        "$N inspect {package} | true",
        "$N ls >&-",
        "$N ls 2>&-",
        "$N ls >&- 2>&- <&-",
        "$N ls --no-such 2>&- || test $? = 2",
        "$N ls -vv 2>/dev/full",
    ],
)
def test_a_reader_that_has_gone(in_shell: Command, line: str, damaged: Path) -> None:
    done = through_shell(in_shell, "set -e; " + line.format(package=damaged))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_the_code_when_the_reader_has_gone(in_shell: Command) -> None:
    line = 'mkfifo pipe; (true <pipe) & $N ls >pipe; echo "code $?"'
    done = through_shell(in_shell, line, cwd=in_shell.environment["PATH"].split(":")[0])
    assert done.stdout == "code 0\n"


@pytest.mark.skipif(not FULL.exists(), reason="not run: there is no /dev/full")
def test_standard_output_is_full(in_shell: Command) -> None:
    for arguments in ("ls", "ls --json", "completion bash"):
        done = through_shell(in_shell, f"$N {arguments} >/dev/full")
        assert done.returncode == 1, arguments
        assert done.stderr == "nfclease: standard output: No space left on device\n", arguments


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii:strict"}])
def test_names_that_the_terminal_cannot_show(
    nfclease: Command, simulator: Simulator, locale: dict[str, str]
) -> None:
    name = unique("n\u00e4me-\u4e2d")
    simulator.add_vm(name, disks=1)
    done = nfclease("ls", env=locale)
    assert (done.code, done.stderr) == (0, "")
    done = nfclease("ls", "--json", env=locale)
    assert name in [row["name"] for row in objects(done.stdout)]


def test_a_warning_of_python_is_one_line() -> None:
    """Such as the one on a lease that could not be aborted, at the interpreter's exit."""
    code = (
        "import atexit, sys, warnings\n"
        "from nfclease.cli.main import main\n"
        "atexit.register(warnings.warn, 'it is held', RuntimeWarning)\n"
        "sys.argv[1:] = ['--version']\n"
        "sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "nfclease: warning: it is held\n")
