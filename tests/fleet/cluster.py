"""A Dask cluster of two real worker processes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

#: Of distributed and what it uses: it leaves sockets and loops to the collector.
QUIET = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def in_quiet(test: Any) -> Any:
    """The same for one test."""
    for mark in QUIET:
        test = mark(test)
    return test


@contextmanager
def dask_client() -> Iterator[Any]:
    """Its client. The test is skipped where Dask is not installed."""
    distributed = pytest.importorskip("distributed", reason="not run: it is not installed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=4, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        yield client
