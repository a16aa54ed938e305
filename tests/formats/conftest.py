"""What is tried on both faces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from nfclease import image


@pytest.fixture(params=["blocking", "asyncio"])
def normalise(request: pytest.FixtureRequest) -> Callable[..., image.Normalised]:
    if request.param == "blocking":
        return image.normalise

    def in_a_loop(*args: Any, **options: Any) -> image.Normalised:
        return asyncio.run(image.normalise_async(*args, **options))

    return in_a_loop
