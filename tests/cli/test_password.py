"""Where the password comes from, and that it goes nowhere but to the server."""

from __future__ import annotations

import os
import pty
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from nfclease.simulator import Simulator

from ..support.command import Command, govc_environment

NOT_SAID = {"GOVC_PASSWORD": None}

#: A module named ``keyring`` as the library is, with one entry.
KEYRING = """
def get_password(service, username):
    {body}
"""


def on_terminal(
    environment: Mapping[str, str], *arguments: str, keys: bytes = b"", number: int = 0
) -> tuple[int, bytes]:
    """Runs the command in a terminal: keys or a signal at its question; code and screen."""
    pid, master = pty.fork()
    if pid == 0:
        command = [sys.executable, "-m", "nfclease", *arguments]
        os.execve(sys.executable, command, {**environment, "TERM": "xterm"})
    seen, answered = b"", False
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:  # the end, on Linux
            data = b""
        if not data:
            break
        seen += data
        if not answered and b"password of " in seen and seen.rstrip().endswith(b":"):
            answered = True
            if number:
                os.kill(pid, number)
            else:
                os.write(master, keys)
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen


def test_a_prompt(nfclease: Command, simulator: Simulator) -> None:
    environment = dict(nfclease.environment)
    del environment["GOVC_PASSWORD"]
    keys = f"{simulator.password}\n".encode()
    code, seen = on_terminal(environment, "ls", keys=keys)
    assert code == 0, seen
    assert f"password of {simulator.user} at {simulator.host}:{simulator.port}: ".encode() in seen
    assert simulator.password.encode() not in seen
    code, seen = on_terminal(environment, "ls", keys=b"hush-hush\n")
    assert (code, b"user or password is wrong" in seen) == (1, True)
    assert b"hush-hush" not in seen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_prompt_that_is_not_answered(nfclease: Command, number: signal.Signals) -> None:
    environment = dict(nfclease.environment)
    del environment["GOVC_PASSWORD"]
    code, seen = on_terminal(environment, "ls", number=number)
    assert code == 128 + number
    assert b"Traceback" not in seen
    assert f"nfclease: ended by {number.name}".encode() in seen


def test_the_end_of_input_at_a_prompt(nfclease: Command) -> None:
    environment = dict(nfclease.environment)
    del environment["GOVC_PASSWORD"]
    code, seen = on_terminal(environment, "ls", keys=b"\x04")
    assert (code, b"Traceback" in seen) == (2, False), seen
    assert b"no password" in seen


def test_nobody_to_ask(nfclease: Command, simulator: Simulator) -> None:
    done = nfclease("ls", env=NOT_SAID)
    assert (done.code, done.stdout) == (2, "")
    assert "set GOVC_PASSWORD, or give --password-file" in done.stderr
    done = nfclease("ls", env={"GOVC_USERNAME": None})
    assert (done.code, done.stdout) == (2, "")
    assert "give --username or set GOVC_USERNAME" in done.stderr
    assert simulator.calls("Login") == []


def test_a_file(nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(f"{simulator.password}\n")
    path.chmod(0o644)
    done = nfclease("ls", "--password-file", path, env=NOT_SAID)
    assert done.code == 0
    assert f"warning: {path} can be read by others" in done.stderr
    path.chmod(0o600)
    done = nfclease("ls", "--password-file", path, env={"GOVC_PASSWORD": "wrong"})
    assert (done.code, done.stderr) == (0, "")


def test_one_in_an_argument_is_warned_of(nfclease: Command, simulator: Simulator) -> None:
    user = simulator.user.replace("@", "%40")
    url = f"{user}:{simulator.password}@{simulator.host}:{simulator.port}"
    done = nfclease("ls", "--url", url, env={"GOVC_URL": None, **NOT_SAID})
    assert done.code == 0
    assert "warning: the password in --url can be seen by others" in done.stderr
    assert simulator.password not in done.stdout + done.stderr


class TestKeyring:
    def run(self, nfclease: Command, tmp_path: Path, body: str) -> tuple[int, str]:
        (tmp_path / "keyring.py").write_text(KEYRING.format(body=body))
        python_path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        done = nfclease("ls", "-v", env={**NOT_SAID, "PYTHONPATH": python_path})
        assert "Traceback" not in done.stderr
        return done.code, done.stderr

    def test_it_has_one(self, nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
        entry = f"{{({simulator.host!r}, {simulator.user!r}): {simulator.password!r}}}"
        code, told = self.run(nfclease, tmp_path, f"return {entry}.get((service, username))")
        assert code == 0, told
        assert simulator.password not in told

    def test_it_has_none(self, nfclease: Command, tmp_path: Path) -> None:
        assert self.run(nfclease, tmp_path, "return None")[0] == 2

    def test_it_is_locked(self, nfclease: Command, tmp_path: Path) -> None:
        code, told = self.run(nfclease, tmp_path, "raise RuntimeError('hush')")
        assert (code, "the keyring cannot be asked: RuntimeError" in told) == (2, True)


def test_no_secret_is_said(simulator: Simulator, tmp_path: Path) -> None:
    run = Command(govc_environment(simulator))
    for options in (("-vv",), ("-vv", "--debug"), ("--json", "-vv")):
        for vm in ("/DC0/vm/demo-vm", "/DC0/vm/no-such-vm"):
            done = run("export", vm, "-o", tmp_path / "x.ova", "--overwrite", *options)
            said = done.stdout + done.stderr
            assert "call: " in said
            assert simulator.password not in said
            keys = {call["session"] for call in simulator.calls("Logout")}
            assert [key for key in keys if key and key in said] == []
