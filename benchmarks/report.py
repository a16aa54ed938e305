"""Tables and ratios from the measured runs."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from .measure import Cost
from .scenarios import Scenario

GIB = 1 << 30


@dataclass(frozen=True)
class Aim:
    """A ratio that the project wants to reach: nfclease against another client."""

    scenario: str
    other: str
    limit: float


AIMS = (
    Aim("export-1", "go", 1.00),
    Aim("export-1", "requests", 0.85),
    Aim("import-1", "go", 0.75),
    Aim("export-4", "go", 1.00),
    Aim("export-4", "requests", 0.85),
    Aim("import-4", "go", 0.75),
)
BUSY_AIM = 30.0
DISTURBED = 0.25  # CPU seconds of others per second


@dataclass
class Row:
    """One client in one scenario: medians over the rounds."""

    runs: int
    bytes: int
    cpu: float  # CPU seconds per GiB
    cpu_min: float
    cpu_max: float
    wall: float
    peak_mib: float
    startup_mib: float
    startup_cpu: float
    server_cpu: float  # per GiB
    foreign: float  # CPU seconds of others per second of wall time


def summarise(total: int, costs: list[Cost]) -> Row:
    """The row of one client that moved ``total`` bytes in each run."""
    per_gib = GIB / total
    cpu = [cost.cpu * per_gib for cost in costs]
    return Row(
        runs=len(costs),
        bytes=total,
        cpu=median(cpu),
        cpu_min=min(cpu),
        cpu_max=max(cpu),
        wall=median(cost.wall for cost in costs),
        peak_mib=max(cost.peak_mib for cost in costs),
        startup_mib=median(cost.startup_mib for cost in costs),
        startup_cpu=median(cost.startup_cpu for cost in costs),
        server_cpu=median(cost.server_cpu * per_gib for cost in costs),
        foreign=median(cost.foreign_cpu / cost.wall for cost in costs),
    )


HEAD = (
    f"{'':24} {'CPU-s/GiB (min-max)':>21} {'wall s':>8} {'MB/s':>6} {'peak MiB':>9} {'start':>6}"
    f" {'server':>7} {'others':>7}"
)


def table(scenario: Scenario, rows: dict[str, Row], titles: dict[str, str]) -> Iterator[str]:
    """The lines of one scenario."""
    yield scenario.title
    yield HEAD
    for name in scenario.variants:
        if name not in rows:
            yield f"{titles[name]:24} not run"
            continue
        row = rows[name]
        cpu = f"{row.cpu:.2f} ({row.cpu_min:.2f}-{row.cpu_max:.2f})"
        if scenario.name == "busy":
            cpu = "-"  # the computing thread uses up all there is
        note = ""
        if name in scenario.smaller:
            note = f"  on {scenario.size_for(name) >> 20} MiB"
        if row.runs == 1:
            note += "  1 run"
        yield (
            f"{titles[name]:24} {cpu:>21} {row.wall:8.2f} {row.bytes / row.wall / 1e6:6.0f}"
            f" {row.peak_mib:9.0f} {row.startup_mib:6.0f} {row.server_cpu:7.2f}"
            f" {row.foreign:7.2f}{note}"
        )


def ratios(results: dict[str, dict[str, Row]], titles: dict[str, str]) -> Iterator[str]:
    """Where nfclease stands against each aim."""
    for aim in AIMS:
        rows = results.get(aim.scenario, {})
        line = f"{aim.scenario}: nfclease / {titles[aim.other]}, CPU"
        if "nfclease" in rows and aim.other in rows:
            ratio = f"{rows['nfclease'].cpu / rows[aim.other].cpu:.2f}"
        else:
            ratio = "-"
        yield f"{line:56} {ratio:>6}   aim <= {aim.limit:.2f}"
    rows = results.get("busy", {})
    faster = "-"
    if "nfclease" in rows and "requests" in rows:
        faster = f"{rows['requests'].wall / rows['nfclease'].wall:.0f}x"
    yield f"{'busy: nfclease faster than requests':56} {faster:>6}   aim >= {BUSY_AIM:.0f}x"


def disturbed(results: dict[str, dict[str, Row]]) -> list[str]:
    """The rows that other processes spoilt."""
    return [
        f"{scenario} {name}"
        for scenario, rows in results.items()
        for name, row in rows.items()
        if row.foreign > DISTURBED
    ]


def document(
    results: dict[str, dict[str, Row]], runs: list[dict[str, Any]], settings: dict[str, Any]
) -> dict[str, Any]:
    """All of it for ``--json``."""
    return {
        "machine": {
            "cpu": _cpu_model(),
            "cpus": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "settings": settings,
        "summary": {
            scenario: {name: asdict(row) for name, row in rows.items()}
            for scenario, rows in results.items()
        },
        "runs": runs,
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
