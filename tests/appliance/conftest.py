"""Fixtures of whole jobs."""

from __future__ import annotations

import pytest

from ..support.jobs import Export


@pytest.fixture
def export(face: str) -> Export:
    """``export_vm`` on both faces, one after the other."""
    return Export(face)
