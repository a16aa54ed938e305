"""The environment of a govc session: where govc gets in, so does the command; nowhere else."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import pytest

from nfclease.simulator import Simulator

from ..peers.run import Vcsim, govc
from ..support.command import Command, Done, govc_environment
from ..support.proxying import running_proxy

#: As most do with a vCenter whose certificate nobody signed.
NO_CA = {"GOVC_TLS_CA_CERTS": None}


def both(environment: dict[str, str | None]) -> Done:
    """The real govc and the command with the same variables: both get in, or neither does."""
    given = {key: value for key, value in environment.items() if value is not None}
    theirs = govc("ls", env={**given, "GOVC_PERSIST_SESSION": "false"})
    ours = Command(given)("ls")
    assert (theirs.returncode == 0) == (ours.code == 0), (theirs.stderr, ours.stderr)
    assert "Traceback" not in ours.stderr
    return ours


def known_hosts(folder: Path, *lines: str) -> str:
    path = folder / "known_hosts"
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def test_as_it_is(simulator: Simulator) -> None:
    assert both({**govc_environment(simulator)}).code == 0


def test_all_in_the_url(simulator: Simulator) -> None:
    user, password = simulator.user.replace("@", "%40"), simulator.password
    url = f"{user}:{password}@{simulator.host}:{simulator.port}"
    ca_file = str(simulator.ca_file)
    assert both({"GOVC_URL": url, "GOVC_TLS_CA_CERTS": ca_file}).code == 0
    wrong = {"GOVC_URL": url.replace(password, "wrong"), "GOVC_TLS_CA_CERTS": ca_file}
    assert both({**wrong}).code == 1
    assert both({**wrong, "GOVC_PASSWORD": password}).code == 0


def test_secrets_in_files(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "user").write_text(f"{simulator.user}\n")
    (tmp_path / "password").write_text(f"{simulator.password}\n")
    files = {"GOVC_USERNAME": str(tmp_path / "user"), "GOVC_PASSWORD": str(tmp_path / "password")}
    assert both({**govc_environment(simulator), **files}).code == 0


def test_a_wrong_password(simulator: Simulator) -> None:
    done = both({**govc_environment(simulator), "GOVC_PASSWORD": "hush-hush"})
    assert (done.code, done.stdout) == (1, "")
    assert "user or password is wrong" in done.stderr
    assert "GOVC_PASSWORD" in done.stderr
    assert "hush-hush" not in done.stderr


class TestTrust:
    def test_nothing_is_trusted(self, simulator: Simulator) -> None:
        done = both({**govc_environment(simulator), **NO_CA})
        assert done.code == 1
        assert str(simulator.thumbprint_sha256) in done.stderr
        assert simulator.calls("Login") == []

    @pytest.mark.parametrize("value", ["1", "true", "0", "yes"])
    def test_insecure(self, simulator: Simulator, value: str) -> None:
        done = both({**govc_environment(simulator), **NO_CA, "GOVC_INSECURE": value})
        assert done.code == (0 if value in ("1", "true") else 1)

    def test_several_ca_files(self, simulator: Simulator, tmp_path: Path) -> None:
        with Simulator() as other:
            files = f"{other.ca_file}:{simulator.ca_file}"
            environment = govc_environment(simulator)
            assert both({**environment, "GOVC_TLS_CA_CERTS": files}).code == 0
            assert both({**environment, "GOVC_TLS_CA_CERTS": str(other.ca_file)}).code == 1

    def test_a_ca_file_that_is_none(self, simulator: Simulator, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("nothing\n")
        for name in ("ca.pem", "missing.pem", ""):
            path = str(tmp_path / name)
            done = both({**govc_environment(simulator), "GOVC_TLS_CA_CERTS": path})
            assert done.code == 2
            assert path in done.stderr

    @pytest.mark.parametrize("kind", ["sha1", "sha256"])
    def test_a_thumbprint(self, simulator: Simulator, tmp_path: Path, kind: str) -> None:
        environment = {**govc_environment(simulator), **NO_CA}
        line = f"{simulator.host}:{simulator.port} {getattr(simulator, f'thumbprint_{kind}')}"
        name = "GOVC_TLS_KNOWN_HOSTS"
        assert both({**environment, name: known_hosts(tmp_path, "a line", line)}).code == 0
        other = line.replace(str(simulator.port), "1")
        assert both({**environment, name: known_hosts(tmp_path, other)}).code == 1
        assert both({**environment, name: str(tmp_path / "missing")}).code == 1
        wrong = re.sub("[0-9A-F]{2}$", "zz", line)
        assert both({**environment, name: known_hosts(tmp_path, wrong)}).code == 1

    def test_another_thumbprint(self, simulator: Simulator, tmp_path: Path) -> None:
        line = f"{simulator.host}:{simulator.port} " + ":".join(["AA"] * 32)
        environment = {"GOVC_TLS_KNOWN_HOSTS": known_hosts(tmp_path, line)}
        done = both({**govc_environment(simulator), **NO_CA, **environment})
        assert done.code == 1
        assert str(simulator.thumbprint_sha256) in done.stderr
        assert simulator.calls("Login") == []

    def test_a_chain_is_enough(self, simulator: Simulator, tmp_path: Path) -> None:
        """As govc does, a thumbprint is looked at only where the CAs do not know the server."""
        line = f"{simulator.host}:{simulator.port} " + ":".join(["AA"] * 32)
        environment = {"GOVC_TLS_KNOWN_HOSTS": known_hosts(tmp_path, line)}
        assert both({**govc_environment(simulator), **environment}).code == 0

    def test_what_govc_prints_of_a_certificate(self, vcsim: Vcsim, tmp_path: Path) -> None:
        done = govc("about.cert", "-k", "-thumbprint", env=vcsim.govc_env)
        path = known_hosts(tmp_path, *done.stdout.splitlines())
        environment = {**vcsim.govc_env, "GOVC_INSECURE": "", "GOVC_TLS_KNOWN_HOSTS": path}
        assert both({**environment}).code == 0

    def test_a_pinned_session_exports(self, simulator: Simulator, tmp_path: Path) -> None:
        line = f"{simulator.host}:{simulator.port} {simulator.thumbprint_sha256}"
        environment = {"GOVC_TLS_KNOWN_HOSTS": known_hosts(tmp_path, line)}
        run = Command({**govc_environment(simulator), **NO_CA, **environment})
        done = run("export", "/DC0/vm/demo-vm", "-o", tmp_path / "x.ova", "-v")
        assert done.code == 0, done.stderr
        assert "trusted by its thumbprint" in done.stderr


@pytest.mark.parametrize("options", [{"host": "::1"}, {"tls": False}, {"esx": True}])
def test_other_servers(options: dict[str, Any], tmp_path: Path) -> None:
    try:
        simulator = Simulator(**options)
    except Exception as error:
        pytest.skip(f"not run: {error}")
    with simulator:
        environment = govc_environment(simulator)
        assert both({**environment}).code == 0
        run = Command(environment)
        folder = "ha-datacenter" if "esx" in options else "DC0"
        done = run("export", f"/{folder}/vm/demo-vm", "-o", tmp_path / "x.ova")
        assert done.code == 0, done.stderr


def own_address() -> str:
    """Of this machine, and none of its loopback: to that one no client takes a proxy."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("198.51.100.1", 9))  # sends nothing: it only chooses a way
        except OSError as error:
            pytest.skip(f"not run: this machine has no address but a loopback one: {error}")
        address: str = sock.getsockname()[0]
    return address


def test_a_proxy(tmp_path: Path) -> None:
    with Simulator(host=own_address()) as simulator, running_proxy(tmp_path) as proxy:
        there = f"{simulator.host}:{simulator.port}"
        through = f"http://127.0.0.1:{proxy.port}"
        environment = {**govc_environment(simulator), "HTTPS_PROXY": through, "NO_PROXY": "x"}
        assert both({**environment}).code == 0
        done = Command(environment)("export", "demo-vm", "-o", tmp_path / "x.ova")
        assert done.code == 0, done.stderr
        disks = f"{simulator.disk_host}:{simulator.disk_port}"
        assert {there, disks} <= proxy.wait_for({there, disks})
        done = both({**environment, "HTTPS_PROXY": "http://127.0.0.1:1"})
        assert done.code == 1
        assert f"{there} cannot be reached by the proxy 127.0.0.1:1" in done.stderr
        assert both({**environment, "HTTPS_PROXY": "127.0.0.1:1", "NO_PROXY": "*"}).code == 0


def test_what_is_not_used_is_told(nfclease: Command) -> None:
    done = nfclease("ls", env={"GOVC_CERTIFICATE": "x.pem"})
    assert done.code == 0
    assert done.stderr.startswith("nfclease: warning: GOVC_CERTIFICATE is not used")


def test_each_run_logs_out(nfclease: Command, simulator: Simulator, tmp_path: Path) -> None:
    nfclease("export", "/DC0/vm/demo-vm", "-o", tmp_path / "x.ova")
    nfclease("export", "/DC0/vm/no-such-vm", "-o", tmp_path / "y.ova")
    assert len(simulator.calls("Login")) == 2
    assert len(simulator.calls("Logout")) == 2
