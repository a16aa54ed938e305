"""C: runs of many jobs, whose workers, journals, sessions and targets fail."""

from __future__ import annotations
