"""The cases, a module for each group; importing them fills ``CATALOGUE``."""

from __future__ import annotations

from ..harness.case import CATALOGUE
from . import (
    archives,
    disks,
    fleets,
    formats,
    found_in_use,
    fuzzed,
    hostile,
    leases,
    local,
    network,
    packages,
    python_side,
    runs,
    soap,
)
from .unwritten import TITLES

#: What is to be written yet, by id.
UNWRITTEN = {id: title for id, title in TITLES.items() if id not in CATALOGUE}

__all__ = [
    "CATALOGUE",
    "UNWRITTEN",
    "archives",
    "disks",
    "fleets",
    "formats",
    "found_in_use",
    "fuzzed",
    "hostile",
    "leases",
    "local",
    "network",
    "packages",
    "python_side",
    "runs",
    "soap",
]
