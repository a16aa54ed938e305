"""Fixtures of disks as files, on both faces."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
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


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where streams are made for uploads: nothing is there at the end of the test."""
    path = tmp_path / "spool"
    path.mkdir()
    monkeypatch.setenv("TMPDIR", str(path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield path
    assert os.listdir(path) == []


def of_face(
    face: str, blocking: Callable[..., Any], awaited: Callable[..., Any]
) -> Callable[..., Any]:
    """The call on this face, to be made as the blocking one."""
    if face == "blocking":
        return blocking

    def in_a_loop(*args: Any, **options: Any) -> Any:
        return asyncio.run(awaited(*args, **options))

    return in_a_loop
