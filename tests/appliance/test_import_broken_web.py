"""Imports from web servers that break off, change their file or send another part of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import nfclease
from nfclease.simulator import Simulator

from ..support.importing import Importing, calls_of
from ..support.inventory import unique
from ..support.leases import endings
from ..support.packages import both_forms, ova, package, stream_disk
from ..support.web import Web, serving

FILES = {"a.vmdk": stream_disk(3000), "b.vmdk": stream_disk(2000, 2), "c.vmdk": stream_disk(9, 3)}
MEMBERS = package(FILES)
EXPECTED = sorted(hashlib.sha1(data).hexdigest() for data in FILES.values())


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with serving(both_forms(MEMBERS), tmp_path) as web:
        yield web


@pytest.mark.parametrize("name", ["demo.ova", "x/demo.ovf"])
def test_a_server_that_breaks_off_again_and_again(
    imported: Importing, simulator: Simulator, web: Web, name: str
) -> None:
    web.habits.cut_after = 200_000
    result = imported(web.url(name), name=unique("cut"), strict=True, ca_file=web.ca_file)
    assert {file.verified for file in result.files} == {"manifest"}
    assert sorted(request["sha1"] for request in simulator.requests()) == EXPECTED
    assert endings(simulator) == ["HttpNfcLeaseComplete"]


def test_a_server_without_range_beside_the_descriptor(
    imported: Importing, simulator: Simulator, web: Web
) -> None:
    web.habits.ranges = False
    url = web.url("x/demo.ovf")
    result = imported(url, name=unique("whole"), strict=True, ca_file=web.ca_file)
    assert {file.file_checksum_type for file in result.files} == {"sha256"}
    assert sorted(request["sha1"] for request in simulator.requests()) == EXPECTED


@pytest.mark.parametrize(
    ("part", "text"),
    [("a long one", "changed at the server"), ("another", "Content-Range")],
)
def test_what_is_not_the_file_never_becomes_a_vm(
    imported: Importing, simulator: Simulator, web: Web, part: str, text: str
) -> None:
    """The server turns bad when the package was judged: at the first part of a disk."""
    if part == "another":
        web.habits.long_shift = 512
    else:
        web.habits.long_etag = '"other"'
    with pytest.raises(nfclease.NfcError, match=text) as caught:
        imported(web.url("demo.ova"), name=unique("bad"), ca_file=web.ca_file)
    assert isinstance(caught.value, nfclease.ProtocolError)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]


@pytest.mark.parametrize("name", ["demo.ova", "x/demo.ovf"])
@pytest.mark.parametrize(
    "disk",
    [bytes(900_000), b"QFI\xfb" + bytes(900_000), stream_disk(3000)[:900_000]],
    ids=["raw", "qcow2", "cut"],
)
def test_a_wrong_disk_is_seen_before_the_import(
    imported: Importing, simulator: Simulator, web: Web, name: str, disk: bytes
) -> None:
    members = package({"a.vmdk": disk, "b.vmdk": stream_disk(3000)})
    web.files["/demo.ova"] = ova(members)
    web.files |= {f"/x/{member}": data for member, data in members.items()}
    with pytest.raises(nfclease.DiskFormatError, match=r"a\.vmdk"):
        imported(web.url(name), name=unique("wrong"), ca_file=web.ca_file)
    assert calls_of(simulator, "ImportVApp") == 0
    assert web.sent < len(disk), "only its ends were asked for"


def test_without_range_nothing_is_read_twice(
    imported: Importing, simulator: Simulator, web: Web
) -> None:
    web.habits.ranges = False
    web.files["/x/a.vmdk"] = bytes(len(FILES["a.vmdk"]))
    with pytest.raises(nfclease.NfcError):
        imported(web.url("x/demo.ovf"), name=unique("raw"), ca_file=web.ca_file)
    assert endings(simulator) == ["HttpNfcLeaseAbort"]
    assert [asked.path for asked in web.asked].count("/x/a.vmdk") == 1
