"""Disks of a package go side by side where it can be read at any place, else one after another."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from nfclease.simulator import Simulator

from ..support.importing import Importing
from ..support.inventory import unique
from ..support.leases import endings
from ..support.package_sources import SEEKABLE, STREAMS
from ..support.packages import package, stream_disk
from ..support.waiting import wait_for

FILES = {f"{name}.vmdk": stream_disk(300, seed) for seed, name in enumerate("abc")}


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("kind", SEEKABLE)
def test_each_upload_waits_until_all_have_begun(
    imported: Importing, simulator: Simulator, held: ExitStack, tmp_path: Path, kind: str
) -> None:
    """The server reads nothing of a file before that: who sends one after another never ends."""
    source, options = SEEKABLE[kind](package(FILES), tmp_path, held)
    simulator.inject("stall", method="POST")
    with ThreadPoolExecutor(1) as threads:
        job = threads.submit(imported, source, name=unique("side-by-side"), **options)
        try:
            wait_for(lambda: len(simulator.requests()) == len(FILES) or job.done(), 60)
            assert [one["ended"] for one in simulator.requests()] == [None] * len(FILES)
        finally:
            simulator.clear()
        result = job.result(60)
    assert {file.verified for file in result.files} == {"manifest"}
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


@pytest.mark.parametrize("kind", STREAMS)
def test_each_upload_of_a_stream_waits_for_the_one_before(
    imported: Importing, simulator: Simulator, held: ExitStack, tmp_path: Path, kind: str
) -> None:
    """Each is held a little, so that another one beside it would be seen."""
    source, options = STREAMS[kind](package(FILES), tmp_path, held)
    simulator.inject("stall", method="POST", seconds=0.2)
    result = imported(source, name=unique("in-order"), **options)
    assert [file.name for file in result.files] == list(FILES)
    sent = simulator.requests()
    assert len(sent) == len(FILES)
    assert all(one["ended"] <= other["started"] for one, other in itertools.pairwise(sent))
    assert endings(simulator) == ["HttpNfcLeaseComplete"]
