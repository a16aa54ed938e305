"""The cases, a module for each group; importing them fills ``CATALOGUE``."""

from __future__ import annotations

from ..harness.case import CATALOGUE
from . import (
    archives,
    chance,
    disks,
    every_call,
    file_systems,
    fleets,
    formats,
    found_in_use,
    fuzzed,
    hostile,
    lease_answers,
    lease_models,
    leases,
    local,
    namespaces,
    network,
    packages,
    power,
    promises,
    python_side,
    runs,
    secrets,
    soap,
    stolen_keys,
    system_calls,
    texts,
    toxics,
    wide_answers,
)
from .unwritten import TITLES

#: What is to be written yet, by id.
UNWRITTEN = {id: title for id, title in TITLES.items() if id not in CATALOGUE}

__all__ = [
    "CATALOGUE",
    "UNWRITTEN",
    "archives",
    "chance",
    "disks",
    "every_call",
    "file_systems",
    "fleets",
    "formats",
    "found_in_use",
    "fuzzed",
    "hostile",
    "lease_answers",
    "lease_models",
    "leases",
    "local",
    "namespaces",
    "network",
    "packages",
    "power",
    "promises",
    "python_side",
    "runs",
    "secrets",
    "soap",
    "stolen_keys",
    "system_calls",
    "texts",
    "toxics",
    "wide_answers",
]
