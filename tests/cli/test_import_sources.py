"""``nfclease import``: from a pipe, a file that is redirected, and an address."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from nfclease.simulator import Simulator

from ..support.command import Command, objects
from ..support.importing import calls_of
from ..support.inventory import find, unique
from ..support.packages import both_forms, package, stream_disk
from ..support.web import Web, serving


def test_a_pipe(nfclease: Command, service: Any, archive: Path) -> None:
    name = unique("piped")
    cat = subprocess.Popen(["cat", archive], stdout=subprocess.PIPE)
    process = nfclease.start("import", "-", "--name", name, stdin=cat.stdout)
    assert cat.stdout is not None
    cat.stdout.close()
    _, errors = process.communicate(timeout=90)
    cat.wait(90)
    assert process.returncode == 0, errors
    assert find(service, vim.VirtualMachine, name)


def test_a_redirected_file(nfclease: Command, service: Any, archive: Path) -> None:
    name = unique("redirected")
    with archive.open("rb") as file:
        process = nfclease.start("import", "-", "--name", name, stdin=file)
        _, errors = process.communicate(timeout=90)
    assert process.returncode == 0, errors
    assert find(service, vim.VirtualMachine, name)


def test_a_terminal_has_no_archive(nfclease: Command, simulator: Simulator) -> None:
    pty = pytest.importorskip("pty", reason="not run: no terminals here")
    import os

    leader, follower = pty.openpty()
    try:
        process = nfclease.start("import", "-", stdin=follower)
        _, errors = process.communicate(timeout=90)
    finally:
        os.close(leader)
        os.close(follower)
    assert process.returncode == 2
    assert "standard input is a terminal" in errors
    assert calls_of(simulator, "Login") == 0


def test_dry_run_of_a_pipe(nfclease: Command, simulator: Simulator, archive: Path) -> None:
    with archive.open("rb") as file:
        cat = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE)
        process = nfclease.start("import", "-", "--dry-run", "--json", stdin=cat.stdout)
        assert cat.stdout is not None
        cat.stdout.close()
        said, errors = process.communicate(timeout=90)
        cat.wait(90)
    assert process.returncode == 0, errors
    assert objects(said)[-1]["files"] == 2
    assert calls_of(simulator, "ImportVApp") == 0


def test_no_such_source_is_told_before_a_login(nfclease: Command, simulator: Simulator) -> None:
    done = nfclease("import", "no-such.ova")
    assert done.code == 1
    assert "no-such.ova" in done.stderr
    assert calls_of(simulator, "Login") == 0


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """A server of a package, whose CA no system knows."""
    with serving(both_forms(package({"disk.vmdk": stream_disk(64)})), tmp_path) as web:
        yield web


@pytest.mark.parametrize("name", ["demo.ova", "x/demo.ovf"])
def test_an_address(nfclease: Command, service: Any, web: Web, name: str) -> None:
    done = nfclease("import", web.url(name))
    assert done.code == 1
    assert "certificate" in done.stderr
    for trust in (
        ["--ca-file", str(web.ca_file)],
        ["--ssl-thumbprint", web.certificate.sha256],
    ):
        called = unique("from-afar")
        done = nfclease("import", web.url(name), "--name", called, *trust)
        assert done.code == 0, done.stderr
        assert find(service, vim.VirtualMachine, called)


def test_pull(nfclease: Command, simulator: Simulator, web: Web) -> None:
    options = ["--pull", "--ca-file", str(web.ca_file)]
    done = nfclease("import", web.url("demo.ova"), *options, "--name", unique("pulled"))
    assert done.code == 0, done.stderr
    assert [each["method"] for each in simulator.requests()] == ["PULL"]
    assert "verified by the server's checksums; each as its manifest file says" in done.stdout
    done = nfclease("import", web.url("demo.ova"), *options, "--dry-run")
    assert done.code == 0, done.stderr
    assert len(simulator.requests()) == 1


def test_an_address_without_tls_is_refused(nfclease: Command) -> None:
    done = nfclease("import", "http://127.0.0.1:9/demo.ova")
    assert done.code == 1
    assert "https://" in done.stderr
