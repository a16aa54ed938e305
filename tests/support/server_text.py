"""What a hostile server may say, and whether it can still do harm where it is shown."""

from __future__ import annotations

import re

OBEYED = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
FORGED = "oops\n2026-01-01 CRITICAL nfclease: forged\x85\u202egnp.exe\u2028\u2066\u200b"


def is_a_line(text: str, longest: int = 1000) -> bool:
    return not OBEYED.search(text) and len(text) <= longest
