"""Cases that have a number and a title, and no body yet: they count as not run."""

from __future__ import annotations

TITLES: dict[str, str] = {}
