"""A few histories of a lease against its model; `make faults` has many, and loom's."""

from __future__ import annotations

import sys

import pytest

from .catalogue import CATALOGUE
from .harness.runner import Runner


@pytest.mark.timeout(300)
@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="not run: what a process holds is read from /proc"
)
def test_the_model_and_the_server_agree() -> None:
    runner = Runner()
    try:
        assert runner.run(CATALOGUE["E17"], "blocking", "few").violations == []
    finally:
        runner.close()
