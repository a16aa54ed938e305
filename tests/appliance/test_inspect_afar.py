"""``inspect`` of an address and of a stream: a few KB tell what is in a package of any size."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import PackageInfo

from ..support.packages import both_forms, ova, package, stream_disk
from ..support.web import serving

Look = Callable[..., PackageInfo]
FILES = {"a.vmdk": stream_disk(4000), "b.vmdk": stream_disk(4000, 2)}
MEMBERS = package(FILES)


@pytest.fixture(params=["blocking", "asyncio"])
def look(request: pytest.FixtureRequest) -> Look:
    if request.param == "blocking":
        return nfclease.inspect
    return lambda *args, **options: asyncio.run(nfclease.inspect_async(*args, **options))


def sizes(found: PackageInfo) -> dict[str, int | None]:
    return {file.href: file.stored_size for file in found.files}


KNOWN = {name: len(data) for name, data in FILES.items()}


@pytest.mark.parametrize("name", ["demo.ova", "x/demo.ovf"])
def test_an_address(look: Look, tmp_path: Path, name: str) -> None:
    with serving(both_forms(MEMBERS), tmp_path) as web:
        found = look(web.url(name), ca_file=web.ca_file)
        assert sizes(found) == KNOWN
        assert found.notes == ()
        assert found.manifest is not None
        assert web.sent < 65 * 1024 * (2 if name == "demo.ova" else len(MEMBERS))
        assert sizes(look(web.url(name), ssl_thumbprint=web.certificate.sha1)) == KNOWN


def test_a_server_without_range(look: Look, tmp_path: Path) -> None:
    with serving({"demo.ova": ova(MEMBERS)}, tmp_path, ranges=False) as web:
        found = look(web.url("demo.ova"), ca_file=web.ca_file)
        assert [system.name for system in found.systems] == ["demo"]
        assert sizes(found) == dict.fromkeys(FILES)
        assert len(found.notes) == 1
        assert "not known" in found.notes[0]


def test_a_stream_is_read_no_further_than_it_must(look: Look) -> None:
    archive = ova(MEMBERS)
    given = []

    def pieces() -> Any:
        for at in range(0, len(archive), 4096):
            given.append(at)
            yield archive[at : at + 4096]

    found = look(pieces())
    assert (sizes(found), found.manifest is None) == (dict.fromkeys(FILES), False)
    assert len(given) < 5


def test_an_address_that_is_none(look: Look, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="https"):
        look("http://host/vm.ova")
    with pytest.raises(ValueError, match="https address"):
        look(tmp_path, ca_file=tmp_path)
    with serving({}, tmp_path) as web, pytest.raises(nfclease.HttpStatusError, match="404"):
        look(web.url("demo.ova"), ca_file=web.ca_file)
