"""The page "Back up 200 VMs every night": its units, cron line and script do what it says."""

from __future__ import annotations

import datetime
import os
import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from nfclease import verify
from nfclease.simulator import Simulator

from ..support.command import Command, govc_environment
from ..support.pages import blocks

PAGE = "nightly-backup.md"
SIMULATOR = {"disk_size": 1 << 19}
NIGHTS = [datetime.date.today() - datetime.timedelta(days=days) for days in (30, 16, 3)]
#: What a unit or a crontab of the page calls.
INSTALLED = "/opt/nfclease/bin/nfclease"
LOGIN = '"vcenter.example.com", "backup@vsphere.local", password'


@pytest.fixture
def srv(simulator: Simulator, tmp_path: Path) -> Path:
    """``/srv`` of the page: a list, older nights, what is beside them, and the password's file."""
    place = tmp_path / "srv"
    (place / "backup").mkdir(parents=True)
    (place / "vms.txt").write_text("# all\ndemo-vm\n/DC0/vm/running-vm\n")
    (place / "vcenter").write_text(f"{simulator.password}\n")
    (place / "vcenter").chmod(0o600)
    aside = ["2020", "2020-01-01.bak", "keep/2020-01-01"]
    for name in [*map(str, NIGHTS), *aside]:
        folder = place / "backup" / name
        folder.mkdir(parents=True)
        (folder / "demo-vm.ova").write_bytes(b"old")
    beside = place / "2020-01-01"
    beside.mkdir()
    days = {place / "backup" / str(night): night for night in NIGHTS}
    old = {place / "backup" / name: NIGHTS[0] for name in [*aside, "keep"]} | {beside: NIGHTS[0]}
    for path, night in (days | old).items():
        moment = datetime.datetime.combine(night, datetime.time(2)).timestamp()
        os.utime(path, (moment, moment))
    return place


def unit(kind: str) -> tuple[str, ConfigParser]:
    [text] = [text for text, _ in blocks(PAGE, "ini") if f"nightly-backup.{kind}\n" in text]
    parsed = ConfigParser(interpolation=None, delimiters="=")
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(text)
    return text, parsed


def environment(simulator: Simulator, srv: Path) -> dict[str, str | None]:
    """That of a service: the login without the password, and where its credential is."""
    login = {**govc_environment(simulator), "CREDENTIALS_DIRECTORY": str(srv)}
    return {**login, "GOVC_PASSWORD": None, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def shell(line: str, srv: Path, given: dict[str, str | None]) -> subprocess.CompletedProcess[str]:
    """Runs a line as the page's machine would, which has ``/srv`` and an installed command."""
    line = line.replace(INSTALLED, shlex.join([sys.executable, "-m", "nfclease"]))
    line = line.replace("/etc/nfclease/password", str(srv / "vcenter"))
    line = line.replace("cd /srv ", f"cd {shlex.quote(str(srv))} ")
    return subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=srv,
        env=Command(given).environment,
        capture_output=True,
        text=True,
        timeout=90,
    )


def tonight(srv: Path) -> list[str]:
    """The packages of this run, each of them verified."""
    made = [path for path in (srv / "backup").glob("*/*.ova") if path.read_bytes() != b"old"]
    assert all(verify(path) for path in made)
    return sorted(path.name for path in made)


def nights(srv: Path) -> set[str]:
    return {path.name for path in (srv / "backup").iterdir()}


def test_the_service_exports_and_then_removes_what_is_old(simulator: Simulator, srv: Path) -> None:
    _, service = unit("service")
    given = environment(simulator, srv)
    before = nights(srv)
    done = shell(service["Service"]["ExecStart"], srv, given)
    assert done.returncode == 0, done.stderr
    assert tonight(srv) == ["demo-vm.ova", "running-vm.ova"]
    assert before < nights(srv)
    again = shell(service["Service"]["ExecStart"], srv, given)
    assert again.stdout.startswith("2 VMs: 2 skipped")
    removal = service["Service"]["ExecStartPost"]
    typed = [line for code, _ in blocks(PAGE, "bash") for line in code.splitlines()]
    assert shlex.split(removal.removeprefix("/usr/bin/")) in map(shlex.split, typed[-1:])
    done = shell(shlex.join(shlex.split(removal)), srv, given)  # systemd expands no pattern
    assert (done.returncode, done.stderr) == (0, "")
    assert nights(srv) - before == {str(datetime.date.today())}
    assert before - nights(srv) == {str(NIGHTS[0]), str(NIGHTS[1])}
    assert (srv / "2020-01-01").is_dir()
    assert (srv / "backup" / "keep" / "2020-01-01" / "demo-vm.ova").is_file()


def test_a_failure_ends_the_service_as_failed(simulator: Simulator, srv: Path) -> None:
    _, service = unit("service")
    (srv / "vms.txt").write_text("demo-vm\nno-such-vm\n")
    done = shell(service["Service"]["ExecStart"], srv, environment(simulator, srv))
    assert done.returncode == 1
    assert "no-such-vm: never: " in done.stderr
    assert tonight(srv) == ["demo-vm.ova"]


def test_systemd_takes_the_units(srv: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("not run: systemd is not installed")
    paths = [tmp_path / f"nightly-backup.{kind}" for kind in ("service", "timer")]
    for path in paths:
        text, parsed = unit(path.suffix[1:])
        path.write_text(text.replace(INSTALLED, sys.executable).replace("=backup\n", "=root\n"))
    done = subprocess.run([analyze, "verify", *paths], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    when = parsed["Timer"]["OnCalendar"]
    subprocess.run([analyze, "calendar", when], capture_output=True, check=True, timeout=60)


def test_the_service_has_no_password_on_its_line_or_in_its_environment() -> None:
    text, service = unit("service")
    assert not re.search(r"PASSWORD=|--password |SetCredential", text)
    assert service["Service"]["LoadCredential"].split(":")[0] == "vcenter"
    assert "${CREDENTIALS_DIRECTORY}/vcenter" in service["Service"]["ExecStart"]


def test_the_line_of_cron(simulator: Simulator, srv: Path) -> None:
    [(text, _)] = blocks(PAGE, "crontab")
    *settings, line = text.splitlines()
    assert all(re.fullmatch(r"GOVC_(URL|USERNAME)=\S+", setting) for setting in settings)
    *fields, user, command = line.split(maxsplit=6)
    limits = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
    for field, (least, most) in zip(fields, limits, strict=True):
        assert field == "*" or least <= int(field) <= most
    assert user == "backup"
    assert "%" not in command  # cron ends a line there
    done = shell(command, srv, environment(simulator, srv))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert tonight(srv) == ["demo-vm.ova", "running-vm.ova"]
    assert "2 VMs: 2 done" in (srv / "nightly.log").read_text()


def test_the_script_exports_and_writes_metrics(simulator: Simulator, srv: Path) -> None:
    pytest.importorskip("prometheus_client", reason="not run: it is not installed")
    [(script, _), _] = blocks(PAGE, "python")
    assert len(script.splitlines()) <= 30
    where = f"{simulator.host!r}, {simulator.user!r}, password"
    more = f"port={simulator.port}, ca_file={str(simulator.ca_file)!r}"
    assert script.count(LOGIN) == 1
    script = script.replace(LOGIN, f"{where}, {more}")
    script = script.replace("/var/lib/node_exporter", str(srv))
    (srv / "nightly.py").write_text(script)
    line = shlex.join([sys.executable, "nightly.py"])
    done = shell(line, srv, environment(simulator, srv))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 jobs in ")
    assert "running-vm" in done.stderr
    assert tonight(srv) == ["demo-vm.ova", "running-vm.ova"]
    assert re.search(r'^nfclease_fleet_jobs_total{.*state="done".*} 2\.0$', _metrics(srv), re.M)
    (srv / "vms.txt").write_text("no-such-vm\n")
    assert shell(line, srv, environment(simulator, srv)).returncode == 1
    assert 'verdict="never"} 1.0' in _metrics(srv)


def _metrics(srv: Path) -> str:
    return (srv / "nfclease.prom").read_text()


def test_the_computation_prints_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    _, (code, expected) = blocks(PAGE, "python")
    exec(compile(code, PAGE, "exec"), {})
    assert capsys.readouterr().out == expected
