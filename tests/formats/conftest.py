"""Fixtures of disks as files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from nfclease import image


@pytest.fixture(params=["blocking", "asyncio"])
def convert(request: pytest.FixtureRequest) -> Callable[..., image.ConvertedImage]:
    """``image.convert`` on both faces, one after the other."""
    if request.param == "blocking":
        return image.convert

    def in_a_loop(*args: Any, **options: Any) -> image.ConvertedImage:
        return asyncio.run(image.convert_async(*args, **options))

    return in_a_loop
