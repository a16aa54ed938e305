"""Tables and ratios from the measured runs."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from .measure import Cost
from .scenarios import Scenario

GIB = 1 << 30


@dataclass(frozen=True)
class Aim:
    """What a ratio should be: nfclease against another client, or ours against the floor."""

    scenario: str
    other: str
    limit: float
    ours: str = "nfclease"
    figure: str = "cpu"


#: Of the quick benchmark.
QUICK = (
    Aim("export-1", "go", 1.00),
    Aim("export-1", "requests", 0.85),
    Aim("import-1", "go", 0.75),
    Aim("export-4", "go", 1.00),
    Aim("export-4", "requests", 0.85),
    Aim("import-4", "go", 0.75),
    Aim("busy", "requests", 1 / 30, figure="wall"),
)
#: Of the whole one. At most 1 / 0.9 of the floor is 90 % of what can be had.
FULL = (
    Aim("export-1", "floor", 1 / 0.90),
    Aim("export-1", "go", 0.90),
    Aim("export-1-both", "go", 0.90),
    Aim("export-4", "go", 0.84),
    Aim("export-4", "go-in-sequence", 0.78, figure="wall"),
    Aim("import-1", "floor", 1 / 0.90),
    Aim("import-1", "go", 0.85),
    Aim("import-1", "requests", 0.85),
    Aim("import-4", "go", 0.85),
    Aim("busy", "http.client", 1 / 80, figure="wall"),
)
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
        if scenario.size_for(name) != scenario.size:
            note = f"  on {scenario.size_for(name) >> 20} MiB"
        if name in scenario.remarks:
            note += f"  {scenario.remarks[name]}"
        if row.runs == 1:
            note += "  1 run"
        yield (
            f"{titles[name]:24} {cpu:>21} {row.wall:8.2f} {row.bytes / row.wall / 1e6:6.0f}"
            f" {row.peak_mib:9.0f} {row.startup_mib:6.0f} {row.server_cpu:7.2f}"
            f" {row.foreign:7.2f}{note}"
        )


#: What each figure is called, and how it is had from a row; less is better.
FIGURES: dict[str, tuple[str, Callable[[Row], float]]] = {
    "cpu": ("CPU", lambda row: row.cpu),
    "wall": ("wall time", lambda row: row.wall / row.bytes),
    "peak": ("memory", lambda row: row.peak_mib),
}
#: Not rivals: ours without its lease, and what nobody can do without.
NO_PEERS = ("core", "floor")


def better(scenario: Scenario, rows: dict[str, Row], titles: dict[str, str]) -> Iterator[str]:
    """Who is better than ours, for each figure."""
    ours = rows.get(scenario.ours)
    if ours is None:
        return
    who = titles[scenario.ours]
    for what, figure in FIGURES.values():
        if scenario.name == "busy" and what == "CPU":
            continue
        ahead = [
            f"{titles[name]}{_remark(scenario, name)} {figure(row) / figure(ours):.2f} x"
            for name, row in rows.items()
            if figure(row) < figure(ours) and name not in NO_PEERS
        ]
        yield f"less {what} than {who}: {', '.join(ahead) or 'nobody'}"


def _remark(scenario: Scenario, name: str) -> str:
    return f" ({scenario.remarks[name]})" if name in scenario.remarks else ""


def least(rows: dict[str, Row]) -> Iterator[str]:
    """What the parts of the floor add up to."""
    for digest, title in (("part-sha1", "SHA-1"), ("part-both", "SHA-1 and SHA-256")):
        parts = ("part-receive", digest, "part-write")
        if all(part in rows for part in parts):
            total = sum(rows[part].cpu for part in parts)
            yield f"an export with {title} is at least: {total:.2f} CPU-s/GiB"


def ratios(
    aims: tuple[Aim, ...], results: dict[str, dict[str, Row]], titles: dict[str, str]
) -> Iterator[str]:
    """Where each aim stands."""
    for aim in aims:
        rows = results.get(aim.scenario, {})
        what, figure = FIGURES[aim.figure]
        line = f"{aim.scenario}: {titles[aim.ours]} / {titles[aim.other]}, {what}"
        ratio = "-"
        if aim.ours in rows and aim.other in rows:
            ratio = f"{figure(rows[aim.ours]) / figure(rows[aim.other]):.3f}"
        yield f"{line:60} {ratio:>6}   aim <= {aim.limit:.3f}"


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
        **where_and_when(),
        "settings": settings,
        "summary": {
            scenario: {name: asdict(row) for name, row in rows.items()}
            for scenario, rows in results.items()
        },
        "runs": runs,
    }


def where_and_when() -> dict[str, Any]:
    """The same for JSON as ``heading`` for people."""
    return {
        "date": datetime.date.today().isoformat(),
        "machine": {
            "cpu": cpu_model(),
            "cpus": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
    }


def heading() -> str:
    """The machine and the day."""
    system = f"{platform.system()} {platform.release()}"
    python, day = platform.python_version(), datetime.date.today()
    return f"{cpu_model()}, {os.cpu_count()} processors, {system}, Python {python}, {day:%d %B %Y}"


def cpu_model() -> str:
    """What the processor calls itself."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
