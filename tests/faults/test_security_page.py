"""The page on security names, for each thing that a server may do, cases that there are."""

from __future__ import annotations

import re
from pathlib import Path

from .catalogue import CATALOGUE

PAGE = Path(__file__).parents[2] / "docs" / "security.md"


def rows() -> dict[str, list[str]]:
    """What is done, and the ids of the cases that hold it."""
    table = PAGE.read_text().partition("## Hostile servers, case by case")[2]
    lines = re.findall(r"^\| (.+) \| (.+) \|$", table, re.MULTILINE)[2:]
    return {what: ids.split(", ") for what, ids in lines}


def test_each_row_has_cases() -> None:
    assert len(rows()) >= 20
    assert {id for ids in rows().values() for id in ids} <= CATALOGUE.keys()


def test_each_case_of_a_hostile_server_has_a_row() -> None:
    """All but H08, which is odd and does no harm."""
    told = {id for ids in rows().values() for id in ids}
    assert {id for id in CATALOGUE if id.startswith("H")} - told == {"H08"}
