"""Fixtures of whole jobs."""

from __future__ import annotations

from typing import Any

import pytest

from ..support.importing import Importing
from ..support.jobs import Export


@pytest.fixture
def export(face: str) -> Export:
    """``export_vm`` on both faces, one after the other."""
    return Export(face)


@pytest.fixture
def imported(face: str, demo_vm: Any) -> Importing:
    """``import_vapp`` beside the demo VM, on both faces."""
    return Importing(face, demo_vm)
