"""The blocks of a page of the docs that have a test of their own."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
#: A block of any language, and what it prints where that follows.
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)


def blocks(page: str, language: str) -> list[tuple[str, str]]:
    """Those in one language, in order, each with the output that the page says.

    Args:
        page: Its file below ``docs``.
        language: What stands behind the fence.
    """
    found = _BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    return [(code, printed) for kind, code, printed in found if kind == language]
