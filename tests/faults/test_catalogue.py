"""The starred cases of the catalogue of faults, on all their faces; `make faults` has the rest."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from .catalogue import CATALOGUE, UNWRITTEN
from .harness.runner import Runner

STARRED = [one for one in CATALOGUE.values() if one.stars]

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="not run: what a process holds is read from /proc"
)


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    made = Runner()
    yield made
    made.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("id", "face", "variant"),
    [
        pytest.param(one.id, face, variant, id="-".join(filter(None, (one.id, face, variant))))
        for one in STARRED
        for face, variant in one.runs()
    ],
)
def test_it_is_survived(runner: Runner, id: str, face: str, variant: str) -> None:
    result = runner.run(CATALOGUE[id], face, variant)
    if result.status == "not run":
        pytest.skip(f"not run: {result.reason}")
    assert result.violations == []


def test_the_catalogue_is_whole() -> None:
    """Each number that is to be there is there, written or not, and none twice."""
    assert len({*CATALOGUE, *UNWRITTEN}) >= 160
    assert not CATALOGUE.keys() & UNWRITTEN.keys()
    assert all(one.faces and one.variants and one.expects for one in CATALOGUE.values())
