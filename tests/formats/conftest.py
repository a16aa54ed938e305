"""Fixtures of disks as files, on both faces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from nfclease import image


@pytest.fixture(params=["blocking", "asyncio"])
def convert(request: pytest.FixtureRequest) -> Callable[..., image.ConvertedImage]:
    """``image.convert`` on both faces, one after the other."""
    return of_face(request.param, image.convert, image.convert_async)


@pytest.fixture(params=["blocking", "asyncio"])
def normalise(request: pytest.FixtureRequest) -> Callable[..., image.Normalised]:
    """The same of ``image.normalise``."""
    return of_face(request.param, image.normalise, image.normalise_async)


def of_face(
    face: str, blocking: Callable[..., Any], awaited: Callable[..., Any]
) -> Callable[..., Any]:
    """The call on this face, to be made as the blocking one."""
    if face == "blocking":
        return blocking

    def in_a_loop(*args: Any, **options: Any) -> Any:
        return asyncio.run(awaited(*args, **options))

    return in_a_loop
