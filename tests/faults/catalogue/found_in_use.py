"""Cases of the groups that they belong to: what use of nfclease found wrong at first."""

from __future__ import annotations
