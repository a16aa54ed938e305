"""A Dask cluster of two real worker processes."""

from __future__ import annotations

import copyreg
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
    pickles = copyreg.dispatch_table.copy()
    distributed = pytest.importorskip("distributed", reason="not run: it is not installed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=4, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        yield client
    # It has every exception pickled in a way of its own, which pyvmomi's cannot be.
    copyreg.dispatch_table.clear()
    copyreg.dispatch_table.update(pickles)
