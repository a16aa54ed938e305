"""The cases, a module for each group; importing them fills ``CATALOGUE``."""

from __future__ import annotations

from ..harness.case import CATALOGUE
from . import (
    fleets,
    formats,
    hostile,
    lease_answers,
    lease_models,
    leases,
    local,
    network,
    packages,
    python_side,
    soap,
)
from .unwritten import TITLES

#: What is to be written yet, by id.
UNWRITTEN = {id: title for id, title in TITLES.items() if id not in CATALOGUE}

__all__ = [
    "CATALOGUE",
    "UNWRITTEN",
    "fleets",
    "formats",
    "hostile",
    "lease_answers",
    "lease_models",
    "leases",
    "local",
    "network",
    "packages",
    "python_side",
    "soap",
]
