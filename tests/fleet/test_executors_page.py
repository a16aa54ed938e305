"""The page on Celery, Ray and AWX: Celery runs jobs in processes, the playbook's command runs."""

from __future__ import annotations

import ast
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nfclease import verify
from nfclease.simulator import Simulator

from ..support.command import Command, govc_environment
from ..support.pages import DOCS, blocks
from ..support.shell_blocks import commands, lines
from ..support.waiting import wait_for

PAGE = "executors.md"
SIMULATOR = {"disk_size": 1 << 19}
LOGIN = '"vcenter.example.com", "exporter@vsphere.local", "VC_PASSWORD"'
#: A broker of files needs no server, and is one for real processes.
CONFIG = """\
broker_url = "filesystem://"
broker_transport_options = {options!r}
result_backend = "file://{results}"
"""


@pytest.fixture
def environment(simulator: Simulator, tmp_path: Path) -> dict[str, str]:
    """A folder as the page has it, and what driver and workers have in their environment."""
    pytest.importorskip("celery", reason="not run: it is not installed")
    for name in ("queue", "control", "results"):
        (tmp_path / name).mkdir()
    queue = str(tmp_path / "queue")
    options = {"data_folder_in": queue, "data_folder_out": queue}
    options["control_folder"] = str(tmp_path / "control")
    text = CONFIG.format(options=options, results=tmp_path / "results")
    (tmp_path / "celeryconfig.py").write_text(text)
    example = DOCS.parent / "examples" / "celery_executor.py"
    (tmp_path / example.name).write_bytes(example.read_bytes())
    return Command(
        {
            "VC_PASSWORD": simulator.password,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)]),
            "C_FORCE_ROOT": "1",  # tests may run as root
        }
    ).environment


def wait_ready(worker: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when it takes tasks; what it said is the error where it has ended."""
    wait_for(lambda: " ready." in log.read_text() or worker.poll() is not None, 60)
    assert worker.poll() is None, log.read_text()


@pytest.fixture
def workers(environment: dict[str, str], tmp_path: Path) -> Iterator[list[int]]:
    """Two processes that the line of the page starts; gives their ids."""
    every = commands((DOCS / PAGE).read_text(encoding="utf-8"))
    [line] = [line for each in every for line in lines(each) if line.startswith("celery ")]
    started, logs = [], [tmp_path / "one.log", tmp_path / "two.log"]
    try:
        # One after the other: where both bind their queues at once, the second reads a file of the
        # broker that the first has made and not written yet, and ends.
        for log in logs:
            words = [*shlex.split(line)[1:], "-n", log.stem, "--loglevel", "INFO"]
            with log.open("wb") as output:
                process = subprocess.Popen(
                    [sys.executable, "-m", "celery", *words],
                    cwd=tmp_path,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            started.append(process)
            wait_ready(process, log)
        yield [process.pid for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()


def drive(code: str, environment: dict[str, str], directory: Path) -> tuple[int, str, str]:
    (directory / "driver.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "driver.py"],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def driver(simulator: Simulator) -> tuple[str, str]:
    """The script of the page, which logs in to the simulator, and what it prints."""
    (code, expected), _ = blocks(PAGE, "python")
    assert code.count(LOGIN) == 1
    where = f'{simulator.host!r}, {simulator.user!r}, "VC_PASSWORD"'
    more = f"port={simulator.port}, ca_file={str(simulator.ca_file)!r}"
    return code.replace(LOGIN, f"{where}, {more}"), expected


def test_celery_exports_in_its_workers(
    simulator: Simulator, environment: dict[str, str], workers: list[int], tmp_path: Path
) -> None:
    code, expected = driver(simulator)
    done = drive(code, environment, tmp_path)
    assert done == (0, expected, ""), done
    for name in ("demo-vm", "vapp-vm"):
        assert verify(tmp_path / "images" / f"{name}.ova")
    log = "".join((tmp_path / name).read_text() for name in ("one.log", "two.log"))
    assert log.count("Task fleet.work") >= 2
    assert simulator.password not in log


def test_a_job_that_no_worker_takes_fails_in_time(
    simulator: Simulator, environment: dict[str, str], tmp_path: Path
) -> None:
    code, _ = driver(simulator)
    code = code.replace("CeleryExecutor()", "CeleryExecutor(timeout=0.1), retries=0, check=False")
    code += "print({each.failure.error for each in summary.failed})\n"
    _, printed, _ = drive(code, environment, tmp_path)
    assert printed.endswith("{'TimeoutError'}\n")


def test_the_window_is_the_drivers(
    simulator: Simulator, environment: dict[str, str], workers: list[int], tmp_path: Path
) -> None:
    """Two workers of eight threads, and yet no more than two disks of a host at once."""
    names = [f"window-{number}" for number in range(6)]
    for name in names:
        simulator.add_vm(name, disks=1, nvram=False)
    code, _ = driver(simulator)
    code = code.replace('["demo-vm", "vapp-vm"]', repr(names))
    code = code.replace("journal=", "per_host=2, journal=")
    before = len(simulator.requests())
    simulator.inject("bandwidth", bytes_per_second=200_000)  # else a job ends before the next
    try:
        result, printed, error = drive(code, environment, tmp_path)
    finally:
        simulator.clear()
    assert (result, printed.count("done")) == (0, 6), error
    moments = [(each["started"], 1) for each in simulator.requests()[before:]]
    moments += [(each["ended"], -1) for each in simulator.requests()[before:]]
    running = [sum(change for at, change in moments if at <= moment) for moment, _ in moments]
    assert max(running) <= 2


def test_the_executor_of_ray_is_python_and_said_not_to_be_run() -> None:
    _, (code, _) = blocks(PAGE, "python")
    assert "# not run in our tests" in code
    [made] = [node for node in ast.parse(code).body if isinstance(node, ast.ClassDef)]
    assert [node.name for node in made.body if isinstance(node, ast.FunctionDef)] == ["submit"]


def test_the_command_of_the_playbook(simulator: Simulator, tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml", reason="not run: it is not installed")
    jinja2 = pytest.importorskip("jinja2", reason="not run: it is not installed")
    [(text, _)] = blocks(PAGE, "yaml")
    [play] = yaml.safe_load(text)
    export, check = play["tasks"]
    assert export["no_log"] is True
    words = shlex.split(export["ansible.builtin.command"]["cmd"])
    assert words[0] == "nfclease"
    given = {**govc_environment(simulator)}
    assert given.keys() - {"GOVC_TLS_CA_CERTS"} == export["environment"].keys()
    (tmp_path / "vms.txt").write_text("demo-vm\n")
    command = Command(given)
    engine = jinja2.Environment(undefined=jinja2.StrictUndefined)
    engine.filters["from_json"] = json.loads

    def told(names: str) -> tuple[str, str, str]:
        (tmp_path / "vms.txt").write_text(names)
        done = command(*words[1:], cwd=tmp_path)
        row = {"rc": done.code, "stdout_lines": done.stdout.splitlines()}
        asserted = check["ansible.builtin.assert"]
        said = [export["changed_when"], asserted["that"]]
        values = [engine.from_string(f"{{{{ {each} }}}}").render(export=row) for each in said]
        return values[0], values[1], engine.from_string(asserted["fail_msg"]).render(export=row)

    assert told("demo-vm\n") == ("True", "True", "[]")
    assert told("demo-vm\n") == ("False", "True", "[]")
    changed, passed, message = told("demo-vm\nno-such-vm\n")
    assert (changed, passed) == ("False", "False")
    assert "no-such-vm" in message
