"""What the fuzzers found or people made for them, by target."""

from __future__ import annotations

from pathlib import Path

_CORPUS = Path(__file__).parents[1] / "fuzz" / "corpus"


def corpus(target: str) -> list[bytes]:
    """The inputs that are kept of a target, in the order of their names."""
    return [path.read_bytes() for path in sorted((_CORPUS / target).iterdir())]
