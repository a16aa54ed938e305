"""The cases, a module for each group; importing them fills ``CATALOGUE``."""

from __future__ import annotations

from ..harness.case import CATALOGUE
from . import hostile

__all__ = ["CATALOGUE", "hostile"]
