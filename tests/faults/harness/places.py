"""Where things are."""

from __future__ import annotations

from pathlib import Path

#: Where ``tests`` is.
ROOT = Path(__file__).parents[3]
