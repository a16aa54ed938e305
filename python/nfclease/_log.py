"""The logger ``nfclease``, made when it is first needed: ``logging`` is a third of an import."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


@functools.cache
def logger() -> logging.Logger:
    """Ours; what nobody wants to see goes nowhere. The first lease makes it, before any record."""
    import logging

    found = logging.getLogger("nfclease")
    found.addHandler(logging.NullHandler())
    return found
