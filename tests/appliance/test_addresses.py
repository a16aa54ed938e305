"""Packages at an https address: few requests, broken connections taken up, nothing believed."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import nfclease
from nfclease import _core
from nfclease.appliance._address import address_of, is_address

from ..support.packages import ova, package, stream_disk
from ..support.records import ours
from ..support.web import Web, serving

MIB = 1 << 20
RANDOM = random.Random(7)
#: Compressed, so that its own sum says whether all of a file came.
DISKS = {f"disk{n}.vmdk": gzip.compress(RANDOM.randbytes(3 * MIB + n), 0) for n in (1, 2)}
MEMBERS = package(DISKS, file_attributes='ovf:compression="gzip"')
DESCRIPTOR = MEMBERS["demo.ovf"]
OVA = ova(MEMBERS)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with serving({"vm.ova": OVA}, tmp_path) as web:
        yield web


def opened(web: Web, name: str = "vm.ova", **options: Any) -> _core.Package:
    options = {"ca_file": web.ca_file, "retry_timeout": 20.0, **options}
    found = _core.Package.of_url(address_of(web.url(name), **options))
    assert isinstance(found, _core.Package)
    return found


def read(found: _core.Package, name: str) -> None:
    """Reads a file to its end, which proves what was read."""
    found.source(name, gzip=True)


def read_all(found: _core.Package) -> None:
    for name in DISKS:
        read(found, name)


def test_a_few_requests_read_a_package(web: Web) -> None:
    found = opened(web)
    assert found.descriptor == DESCRIPTOR
    assert found.members == [(name, len(data)) for name, data in MEMBERS.items()]
    seen = len(web.asked)
    assert seen <= 1 + len(DISKS)  # the start, and what lies behind each disk
    assert web.ranges()[0] == "bytes=0-65535"
    read_all(found)
    assert len(web.asked) == seen + len(DISKS)
    assert all(asked.if_range for asked in web.asked[1:])


def test_connections_that_break_are_taken_up_where_they_broke(tmp_path: Path) -> None:
    with serving({"vm.ova": OVA}, tmp_path, cut_after=MIB) as web:
        read_all(opened(web))
        starts = [text.split("=")[1].split("-")[0] for text in web.ranges() if text]
        assert len({*starts}) == len(starts)  # nothing came twice


def test_a_server_that_brings_nothing_is_given_up(web: Web) -> None:
    found = opened(web, max_retries=0)
    web.habits.cut_after = 10
    with pytest.raises(nfclease.TruncatedError, match=r"vm\.ova"):
        read(found, "disk1.vmdk")


def test_an_overloaded_server_is_asked_again(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    web.habits.statuses = [503, 503]
    read_all(opened(web))
    records = ours(caplog)
    assert len(records) == 2
    for record in records:
        assert "asking again" in record.getMessage()
        host = urlsplit(web.url("")).netloc
        assert (record.nfclease_file, record.nfclease_host) == ("vm.ova", host)


@pytest.mark.parametrize("shift", [-1, 1, 1 << 40])
def test_another_part_than_asked_for_is_refused(web: Web, shift: int) -> None:
    found = opened(web)
    web.habits.range_shift = shift
    with pytest.raises(nfclease.ProtocolError, match="Content-Range"):
        read(found, "disk1.vmdk")


@pytest.mark.parametrize("if_range", [True, False])
def test_a_file_that_changes_is_refused(web: Web, if_range: bool) -> None:
    found = opened(web)
    web.habits.etags, web.habits.if_range = ['"2"'], if_range
    with pytest.raises(nfclease.ProtocolError, match="changed at the server"):
        read(found, "disk2.vmdk")


def test_an_answer_without_an_end_is_refused(tmp_path: Path) -> None:
    longer = pytest.raises(nfclease.ProtocolError, match="longer than its Content-Range")
    with serving({"vm.ova": OVA}, tmp_path, endless=True) as web, longer:
        opened(web)


def test_redirects_are_followed_to_https_alone(web: Web) -> None:
    web.habits.redirects = {
        "/here": web.url("vm.ova"),
        "/round": web.url("round"),
        "/plain": "http://127.0.0.1:1/vm.ova",
    }
    read_all(opened(web, "here"))
    with pytest.raises(nfclease.ProtocolError, match=r"redirects to http://127\.0\.0\.1:1"):
        opened(web, "plain")
    with pytest.raises(nfclease.ProtocolError, match="in a circle"):
        opened(web, "round")


def test_a_login_goes_to_its_own_host_alone(web: Web, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    with serving({"vm.ova": OVA}, folder) as other:
        both = tmp_path / "both.pem"
        both.write_bytes(web.ca_file.read_bytes() + other.ca_file.read_bytes())
        web.habits.redirects = {"/away": other.url("vm.ova")}
        url = web.url("away").replace("https://", "https://me:secret-word@")
        _core.Package.of_url(address_of(url, ca_file=both))
        assert {asked.login for asked in web.asked} == {"Basic bWU6c2VjcmV0LXdvcmQ="}
        assert {asked.login for asked in other.asked} == {None}


def test_what_was_sent_is_not_shown(web: Web) -> None:
    web.habits.login = "Basic of-somebody-else"
    url = web.url("vm.ova?token=0123456789abcdef").replace("https://", "https://me:secret-word@")
    with pytest.raises(nfclease.HttpStatusError, match="wants a login") as caught:
        _core.Package.of_url(address_of(url, ca_file=web.ca_file))
    for secret in ("secret-word", "0123456789abcdef", "bWU6"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "text"), [(404, "nothing at this address"), (403, "wants a login"), (405, "405")]
)
def test_a_refusal_says_what_to_do(web: Web, status: int, text: str) -> None:
    web.habits.statuses = [status]
    with pytest.raises(nfclease.HttpStatusError, match=text):
        opened(web)


def test_whom_to_trust(web: Web, tmp_path: Path) -> None:
    with pytest.raises(nfclease.TlsError, match=r"ca_file= or ssl_thumbprint="):
        opened(web, ca_file=None)
    read_all(opened(web, ca_file=None, ssl_thumbprint=web.certificate.sha256))
    read_all(opened(web, ca_file=None, ssl_thumbprint=web.certificate.sha1))
    with pytest.raises(nfclease.ThumbprintMismatchError):
        opened(web, ssl_thumbprint="AB:" * 19 + "AB")
    with pytest.raises(FileNotFoundError):
        opened(web, ca_file=tmp_path / "missing.pem")


def test_only_https() -> None:
    for url in ("http://host/vm.ova", "ftp://host/vm.ova", "https://"):
        with pytest.raises(ValueError, match=r"https|URL"):
            address_of(url)
    assert is_address("https://host/x")
    assert is_address("FTP://x")
    for path in ("C:\\vm.ova", "C:/vm.ova", "vm.ova", "./https:/x", Path("https://x")):
        assert not is_address(path)


def test_a_server_without_range_is_read_once_in_order(tmp_path: Path) -> None:
    with serving({"vm.ova": OVA}, tmp_path, ranges=False) as web:
        found = _core.Package.of_url(address_of(web.url("vm.ova"), ca_file=web.ca_file))
        assert isinstance(found, _core.Incoming)
        assert found.in_order
        assert found.descriptor == DESCRIPTOR
        found.finish()
        assert [name for name, _ in found.members] == [*MEMBERS]
        assert len(web.asked) == 1


@pytest.mark.parametrize("ranges", [True, False])
def test_a_descriptor_with_its_files_beside_it(tmp_path: Path, ranges: bool) -> None:
    files = {f"a b/{name}": data for name, data in MEMBERS.items()}
    with serving(files, tmp_path, ranges=ranges) as web:
        found = opened(web, "a%20b/demo.ovf")
        assert found.descriptor == DESCRIPTOR
        assert found.manifest == MEMBERS["demo.mf"]
        assert found.member_size("disk3.vmdk") is None
        assert found.member_size("disk1.vmdk") == len(DISKS["disk1.vmdk"])
        read_all(found)


def test_what_is_no_disk_is_seen_without_another_request(tmp_path: Path) -> None:
    members = package({"good.vmdk": stream_disk(900), "raw.vmdk": bytes(900_000)})
    with serving({"vm.ova": ova(members)}, tmp_path) as web:
        found = opened(web)
        asked = len(web.asked)

        def look(name: str) -> tuple[int, int | None]:
            return found.source(name).look(
                name,
                is_disk=True,
                size=None,
                disk_capacity=0,
                verify_format=True,
                verify_size=True,
            )

        assert look("good.vmdk") == (len(members["good.vmdk"]), MIB)
        with pytest.raises(nfclease.DiskFormatError, match=r"KDMV|streamOptimized"):
            look("raw.vmdk")
        assert len(web.asked) == asked
