"""All that govc reads: each command is answered or refused cleanly, by a vCenter and by a host."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nfclease.simulator import Simulator

from ..support.govc_reads import ANSWERED, ELSEWHERE, OTHERS, REFUSED
from .build import build
from .run import govc


@pytest.fixture(scope="module", params=[False, True], ids=["vcenter", "host"])
def esx(request: pytest.FixtureRequest) -> bool:
    answer: bool = request.param
    return answer


@pytest.fixture(scope="module")
def its_environment(esx: bool) -> Iterator[dict[str, str]]:
    with Simulator(disk_size="1m", initializing=0, esx=esx) as simulator:
        yield {
            "GOVC_URL": simulator.url,
            "GOVC_USERNAME": simulator.user,
            "GOVC_PASSWORD": simulator.password,
            "GOVC_TLS_CA_CERTS": str(simulator.ca_file),
            "GOVC_PERSIST_SESSION": "false",
        }


def run_all(
    lines: str, environment: dict[str, str], esx: bool, folder: Path
) -> dict[str, subprocess.CompletedProcess[str]]:
    def run(line: str) -> subprocess.CompletedProcess[str]:
        text = line.format(folder=folder)
        if esx:
            text = text.replace("DC0", "ha-datacenter").replace("Cluster", "esx-1.example")
        return govc(*shlex.split(text), env=environment)

    with ThreadPoolExecutor(4) as pool:
        return dict(zip(lines.splitlines(), pool.map(run, lines.splitlines()), strict=True))


def test_every_command_ends_well(
    its_environment: dict[str, str], esx: bool, tmp_path: Path
) -> None:
    wrong: dict[str, str] = {}
    for lines, status in ((ANSWERED, 0), (REFUSED, 1), (ELSEWHERE, 1)):
        for line, done in run_all(lines, its_environment, esx, tmp_path).items():
            broken = "panic" in done.stderr or "nil pointer" in done.stderr
            # A single host refuses what is of vCenter only.
            allowed = {0, 1} if esx else {status}
            if broken or "simulator:" in done.stderr or done.returncode not in allowed:
                wrong[line] = f"{done.returncode}: {done.stderr[:300]}"
    assert wrong == {}


def test_no_command_is_forgotten() -> None:
    told = subprocess.run([build() / "govc", "-h"], capture_output=True, text=True)
    listed = (told.stdout + told.stderr).partition("Available commands")[2].split()[1:]
    read = {line.split()[0] for line in (ANSWERED + REFUSED + ELSEWHERE).splitlines()}
    assert sorted(listed) == sorted({*read, *OTHERS.split()})
