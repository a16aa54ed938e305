"""nfclease: one call per disk into the native core, which releases the GIL for all of it."""

from __future__ import annotations

import importlib
from typing import Any

from .common import Result, Trust, main

core: Any = importlib.import_module("nfclease._core")
bench_get = core.bench_get
bench_put = core.bench_put


def get(url: str, path: str, trust: Trust) -> Result:
    """Downloads one disk."""
    return Result(*bench_get(url, path, thumbprint=trust.thumbprint))


def put(url: str, path: str, trust: Trust) -> Result:
    """Uploads one disk."""
    return Result(*bench_put(url, path, thumbprint=trust.thumbprint, method="POST"))


if __name__ == "__main__":
    main(get, put)
