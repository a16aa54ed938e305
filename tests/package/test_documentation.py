"""Every example in the docstrings, the README and the docs runs, against the simulator."""

from __future__ import annotations

import doctest
import functools
import importlib
import inspect
import logging
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from pyVmomi import vim

import nfclease
import nfclease.fleet
import nfclease.inventory
from nfclease import HttpNfcLease
from nfclease.simulator import Simulator
from nfclease.simulator.faults import KINDS

from ..support.disks import stream
from ..support.imports import import_spec, import_vm
from ..support.inventory import find
from ..support.packages import ova
from ..support.packages import package as packed
from ..support.proxying import running_proxy
from ..tools.site import loads_from_elsewhere, search_from_disk

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "python"
#: All that have an example.
MODULES = [
    ".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((SOURCES / "nfclease").rglob("*.py"))
    if ">>>" in path.read_text(encoding="utf-8")
]


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [
        test
        for name in MODULES
        for test in finder.find(importlib.import_module(name), name)
        if test.examples
    ]


@pytest.fixture
def names(
    demo_vm: Any, simulator: Simulator, service: Any, tmp_path: Path
) -> Iterator[dict[str, Any]]:
    """What the examples take for granted: a VM, an open lease, a device, a directory."""
    other = find(service, vim.VirtualApp, "demo-vapp")
    directory = tmp_path / "directory"
    directory.mkdir()
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        package = tmp_path / "demo.ova"
        disk = stream({0: b"a boot sector"}, 1 << 20)
        package.write_bytes(ova(packed({"disk.vmdk": disk})))
        (tmp_path / "disk.vmdk").write_bytes(disk)
        yield {
            "vm": demo_vm,
            "vapp": other,
            "directory": directory,
            "service": service,
            "simulator": simulator,
            "package": package,
            "resource_pool": demo_vm.resourcePool,
            "nfclease": nfclease,
        }
    finally:
        os.chdir(before)
        simulator.expire()  # what an example handed on holds the VM for the next one


def open_lease(test: doctest.DocTest, names: dict[str, Any]) -> HttpNfcLease | None:
    """The lease that the examples of HttpNfcLease's methods use."""
    if not re.search(r"\blease\.", test.docstring or "") or "ExportVm" in (test.docstring or ""):
        return None
    if "item" in (test.docstring or ""):
        raw, names["item"], names["spec"] = import_lease(names)
        lease = HttpNfcLease(raw)
        lease.wait_ready(10)
        return lease
    lease = HttpNfcLease(names["vm"].ExportVm())
    info = lease.wait_ready(10)
    names["device_url"] = next(url for url in info.deviceUrl if url.disk)
    return lease


def import_lease(names: dict[str, Any]) -> tuple[Any, Any, Any]:
    """An import of one disk of the VM, whose file lies in the working directory."""
    machine, service = names["vm"], names["service"]
    with HttpNfcLease(machine.ExportVm()) as lease:
        disk = next(url for url in lease.wait_ready(10).deviceUrl if url.disk)
        result = lease.download(disk, disk.targetId)
    spec = import_spec(service, machine, "documented", [result])
    raw = import_vm(machine, spec)
    return raw, next(item for item in spec.fileItem if item.path == result.name), spec


@pytest.mark.parametrize("test", examples(), ids=lambda test: test.name)
def test_docstring(test: doctest.DocTest, names: dict[str, Any]) -> None:
    lease = open_lease(test, names)
    test.globs = {**test.globs, **names, "lease": lease}
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    try:
        result = runner.run(test, out=report.append, clear_globs=False)
    finally:
        if lease is not None:
            lease.close()
        test.globs.clear()  # the parameter lives on, the leases in it need not
    assert result.attempted
    assert not result.failed, "".join(report)


def test_every_public_object_is_documented_with_an_example() -> None:
    exempt = {"__version__"} | {
        name for name in nfclease.__all__ if name.endswith("Error")
    }  # the tree of errors has one example for all
    things = [getattr(nfclease, name) for name in set(nfclease.__all__) - exempt]
    for room in (nfclease.inventory, nfclease.fleet):
        things += [getattr(room, name) for name in room.__all__]
    for thing in things:
        if thing is nfclease.BlockedError:
            continue
        documented = [thing] + [
            member
            for key, member in vars(thing).items()
            if not key.startswith("_") and inspect.isfunction(member) and key.islower()
        ]
        for member in documented:
            assert inspect.getdoc(member), member
        assert ">>>" in (inspect.getdoc(thing) or ""), thing


PAGES = {
    page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8")
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
}
#: Blocks with it are files of a test run, which tests/simulator/test_pytest_plugin.py makes.
ELSEWHERE = "pytest"
#: Their blocks follow one another; on all other pages each stands for itself.
CONTINUED = {
    f"docs/{name}.md"
    for name in (
        "asyncio",
        "backing-up",
        "checking",
        "deploying",
        "exporting",
        "importing",
        "proving",
        "logging",
        "running",
        "tutorial",
    )
}
#: They open a session themselves, with the words of the fixture `where`.
LOGGING_IN = {"docs/sessions.md", "docs/switching.md"}
#: Whole scripts. Tests of their own in tests/fleet run them as such.
SCRIPTS = {f"docs/{name}.md" for name in ("nightly-backup", "leave-vmware", "executors")}
#: A block of Python, and what it prints where that follows.
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)
CHECKER = doctest.OutputChecker()
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture
def where(simulator: Simulator, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What it takes to open a session, as the page on sessions calls it."""
    leaf = trustme.CA().issue_cert("script@example.com")
    files = {"certificate": tmp_path / "cert.pem", "key": tmp_path / "key.pem"}
    leaf.cert_chain_pems[0].write_to_path(files["certificate"])
    leaf.private_key_pem.write_to_path(files["key"])
    with running_proxy(tmp_path, credentials="proxy-user:proxy-password") as proxy:
        yield {
            **{name: str(path) for name, path in files.items()},
            **{name: getattr(simulator, name) for name in ("host", "port", "user", "password")},
            "ca_file": simulator.ca_file,
            "thumbprint": simulator.thumbprint_sha1,
            "proxy_host": "127.0.0.1",
            "proxy_port": proxy.port,
        }


def stories() -> list[Any]:
    """Blocks that run in one namespace, page by page."""
    made = []
    for page in PAGES.keys() - SCRIPTS:
        blocks = [block for block in BLOCK.findall(PAGES[page]) if ELSEWHERE not in block[0]]
        if page in CONTINUED:
            made.append(pytest.param(page, blocks, id=page))
        else:
            made += [pytest.param(page, [one], id=f"{page}-{n}") for n, one in enumerate(blocks)]
    return sorted(made, key=lambda story: str(story.id))


def test_no_block_of_a_page_is_overlooked() -> None:
    for page, text in PAGES.items():
        assert len(BLOCK.findall(text)) == len(re.findall(r"``` *python", text)), page


def nap(seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    sleep(min(seconds, 0.1))


@pytest.mark.parametrize(("page", "blocks"), stories())
def test_blocks_of_a_page(
    page: str,
    blocks: list[tuple[str, str]],
    names: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    for name in ("out", "second"):
        Path(name).mkdir()
    for number in (signal.SIGTERM, signal.SIGHUP):  # a page sets them
        request.addfinalizer(functools.partial(signal.signal, number, signal.getsignal(number)))
    logger = logging.getLogger("nfclease")
    monkeypatch.setattr(logger, "handlers", [*logger.handlers])  # a page adds one
    space = {**names, "vim": vim, "HttpNfcLease": HttpNfcLease, "os": os, "time": time}
    space["requests"] = requests
    if page == "docs/running.md":
        space["vm"] = find(names["service"], vim.VirtualMachine, "running-vm")
    if page in LOGGING_IN:
        space |= request.getfixturevalue("where")
    for code, expected in blocks:
        if "# before" in code:  # what nfclease replaces: it sleeps for a minute, and warns
            monkeypatch.setattr(time, "sleep", nap)
            warnings.simplefilter("ignore")
        exec(compile(code, "page", "exec"), space)
        printed = capsys.readouterr().out
        assert not expected or CHECKER.check_output(expected, printed, FLAGS), printed


def test_a_site_that_loads_from_elsewhere_is_told(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text('<a href="https://x.example/"><img src="../images/a.png"></a>')
    (tmp_path / "own.css").write_text("a { background: url(images/a.png) }")
    assert loads_from_elsewhere(tmp_path) == []
    page.write_text('<script src="https://cdn.example/a.js"></script><img src="//x.example/a.png">')
    (tmp_path / "own.css").write_text('@import "https://fonts.example/a.css";')
    assert len(loads_from_elsewhere(tmp_path)) == 3


def test_a_site_whose_search_needs_a_server_is_told(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text("<p>no script</p>")
    assert len(search_from_disk(tmp_path)) == 1
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "search_index.js").write_text("var __index = {}")
    assert len(search_from_disk(tmp_path)) == 1
    page.write_text('<script src="javascripts/iframe-worker.js"></script>')
    assert search_from_disk(tmp_path) == []


def test_the_page_of_faults_names_each_with_its_parameters() -> None:
    page = PAGES["docs/faults.md"].partition("## Faults of the data")[2]
    rows = re.findall(r"^\| `(\w+)` \|.*\| (.*?) \|.*\|$", page, re.MULTILINE)
    told = {kind: set(re.findall(r"`(\w+)", parameters)) for kind, parameters in rows}
    free = {"device_url": {"fields"}, "manifest": {"missing"}}  # and any field
    assert len(rows) == len(told)
    assert told == {kind: free[kind] if known is None else known for kind, known in KINDS.items()}


def test_the_example_with_rich() -> None:
    pytest.importorskip("rich", reason="not run: rich is not installed")
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "rich_progress.py"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall(r"^disk-\d\.\w+ +([\d.]+)/\1 [kM]B", done.stdout, re.MULTILINE)) == 4


def test_all_is_sorted_and_complete() -> None:
    for name in nfclease.__all__:
        getattr(nfclease, name)  # some are loaded by who uses them
    public = {
        name
        for name, value in vars(nfclease).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert list(nfclease.__all__) == sorted(nfclease.__all__)
    assert public | {"__version__"} == set(nfclease.__all__)
