"""What the benchmarks conclude from their figures, and that wrong bytes end them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import check, drawing, report
from benchmarks.measure import Cost
from benchmarks.scenarios import MIB, Scenario, WrongBytesError, all_scenarios
from benchmarks.scenarios import check as compare
from benchmarks.variants import variants

TITLES = {variant.name: variant.title for variant in variants(Path())}
PLAN = {scenario.name: scenario for scenario in all_scenarios(1024 * MIB, 256 * MIB)}
COST = Cost(wall=2.0, cpu=1.5, startup_cpu=0.1, peak_mib=40, startup_mib=38, server_cpu=0.7,
            foreign_cpu=0.0, files=[])  # fmt: skip


def rows(scenario: Scenario, **cpu: float) -> dict[str, report.Row]:
    """Those of one run each, all alike but for their CPU."""
    return {
        name: report.summarise(1024 * MIB, [dataclasses.replace(COST, cpu=cpu.get(name, 1.5))])
        for name in scenario.variants
    }


def test_who_is_better_is_named() -> None:
    scenario = PLAN["import-1"]
    said = list(report.better(scenario, rows(scenario, curl=1.2, sample=0.9, core=0.1), TITLES))
    assert said == [
        "less CPU than nfclease: curl, openssl dgst 0.80 x, "
        "community sample's loop (no digest) 0.60 x",
        "less wall time than nfclease: nobody",
        "less memory than nfclease: nobody",
    ]


def test_a_package_is_compared_with_export_vm() -> None:
    scenario = PLAN["package"]
    [first, *_] = report.better(scenario, rows(scenario, govc=1.0), TITLES)
    assert first == "less CPU than nfclease.export_vm: govc export.ovf 0.67 x"


def test_the_parts_add_up_to_what_an_export_is_at_least() -> None:
    parts = {"part-receive": 0.4, "part-sha1": 0.7, "part-both": 1.1, "part-write": 0.3}
    said = list(report.least(rows(PLAN["floor"], **parts)))
    assert [line.rpartition(": ")[2] for line in said] == ["1.40 CPU-s/GiB", "1.80 CPU-s/GiB"]


def test_every_client_of_a_table_is_known() -> None:
    assert {name for scenario in PLAN.values() for name in scenario.variants} == set(TITLES)
    assert {aim.scenario for aim in report.FULL} <= set(PLAN)


def test_wrong_bytes_end_it() -> None:
    compare("the digest", "ab", "ab")
    with pytest.raises(WrongBytesError, match="the digest is ab, not cd"):
        compare("the digest", "ab", "cd")


def test_the_picture_has_every_client_the_machine_and_the_day() -> None:
    results = {name: rows(PLAN[name], sample=30.0) for name in drawing.DRAWN}
    root = ElementTree.fromstring(drawing.draw(results, TITLES, 5))
    texts = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert report.heading() in texts
    for name in PLAN["export-1"].variants:
        assert texts.count(TITLES[name]) == 2
    widths = [float(bar.attrib["width"]) for bar in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert max(widths) <= drawing.WIDTH - drawing.LABEL - drawing.FIGURE


@pytest.mark.parametrize(
    ("found", "code", "verdict"),
    [(1029, 0, "ok"), (1031, 1, "REGRESSION"), (971, 0, "ok"), (969, 1, "better")],
)
def test_counts_are_compared_within_three_percent(
    found: int, code: int, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.compare({"get": 1000}, {"get": found}) == code
    assert verdict in capsys.readouterr().out


def test_counts_of_another_machine_are_not_compared() -> None:
    machine = {"cpu": "one", "compiler": "rustc 2"}
    assert list(check.different({**machine, "instructions": {}}, machine)) == []
    [said] = check.different({"cpu": "one", "compiler": "rustc 1"}, machine)
    assert said == "not run: the counts are of compiler 'rustc 1', this is 'rustc 2'"
