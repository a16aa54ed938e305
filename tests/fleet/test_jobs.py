"""What a job refuses when it is made, before any worker has it."""

from __future__ import annotations

from typing import Any

import pytest

from nfclease import fleet


def importing(**given: Any) -> fleet.ImportJob:
    return fleet.ImportJob(**{"session": "lab", "source": "a.ova", "resource_pool": "P", **given})


def copying(**given: Any) -> fleet.CopyJob:
    required = {"session": "lab", "vm": "web", "to_session": "lab2", "resource_pool": "P"}
    return fleet.CopyJob(**{**required, **given})


@pytest.mark.parametrize("make", [importing, copying])
@pytest.mark.parametrize("name", ["resource_pool", "name", "datastore", "folder", "host"])
def test_a_place_that_is_not_text(make: Any, name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} of .*Job must be a string, not int"):
        make(**{name: 5})
    with pytest.raises(ValueError, match=f"{name} of .*Job is empty or has control characters"):
        make(**{name: "a\nb"})
    assert make(**{name: "there"}).settings().get(name, "there") == "there"


@pytest.mark.parametrize("make", [importing, copying])
def test_places_that_may_be_left_out_are_noted_as_such(make: Any) -> None:
    settings = make(options={"power_on": True}).settings()
    assert settings == {
        "resource_pool": "P",
        "datastore": None,
        "folder": None,
        "host": None,
        "power_on": True,
    }


@pytest.mark.parametrize("make", [importing, copying])
def test_a_field_is_not_an_option_as_well(make: Any) -> None:
    with pytest.raises(ValueError, match="options has datastore, urls"):
        make(options={"datastore": "a", "urls": []})


@pytest.mark.parametrize("session", [None, 5, b"lab"])
def test_a_session_is_a_name_or_plain_data(session: Any) -> None:
    with pytest.raises(TypeError, match="session of ImportJob must be a name or a SessionFrom"):
        importing(session=session)
    with pytest.raises(TypeError, match="to_session of CopyJob must be a name or a SessionFrom"):
        copying(to_session=session)
