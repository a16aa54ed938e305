"""The pages of the command line say what the parser and the benchmark have."""

from __future__ import annotations

from pathlib import Path

from benchmarks.commands import JOBS

from ..tools.command_page import PAGE, page

BESIDE_GOVC = (Path(__file__).parents[2] / "docs" / "beside-govc.md").read_text(encoding="utf-8")


def test_the_reference_of_the_command_line_is_the_parsers() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.tools.command_page"


def test_the_lines_beside_govc_are_those_that_are_measured() -> None:
    for job in JOBS:
        _, section = BESIDE_GOVC.split(f"## {job.title}\n")
        section = section.split("\n## ")[0]
        assert job.govc in section, job.title
        assert job.nfclease in section, job.title
        counts = (len(job.lines(tool).splitlines()) for tool in ("govc", "nfclease"))
        assert f"| {job.title} | {' | '.join(map(str, counts))} |" in BESIDE_GOVC, job.title
