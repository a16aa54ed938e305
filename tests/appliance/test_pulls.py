"""``import_vapp(pull=True)``: the host fetches the files itself, and what it got is compared."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

import nfclease
from nfclease.simulator import Simulator

from ..support.importing import Importing, calls_of
from ..support.inventory import unique
from ..support.packages import both_forms, descriptor, ova, package, stream_disk
from ..support.web import Web, serving

FILES = {"a.vmdk": stream_disk(300), "b.vmdk": stream_disk(100, 2)}
MEMBERS = package(FILES)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with serving(both_forms(MEMBERS), tmp_path) as web:
        yield web


def pulled(simulator: Simulator) -> list[str]:
    return [request["sha1"] for request in simulator.requests() if request["method"] == "PULL"]


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("name", ["demo.ova", "x/demo.ovf"])
def test_the_host_fetches_all(
    imported: Importing, simulator: Simulator, web: Web, name: str, algorithm: str
) -> None:
    members = package(FILES, algorithm=algorithm)
    web.files["/demo.ova"] = ova(members)
    web.files.update({f"/x/{part}": data for part, data in members.items()})
    result = imported(web.url(name), name=unique("pulled"), pull=True, ca_file=web.ca_file)
    assert pulled(simulator) == [hashlib.sha1(data).hexdigest() for data in FILES.values()]
    assert [file.size for file in result.files] == [len(data) for data in FILES.values()]
    expected = None if algorithm == "sha512" else algorithm
    assert {file.file_checksum_type for file in result.files} == {expected}
    assert bool([note for note in result.notes if "sha512" in note]) == (expected is None)
    assert calls_of(simulator, "HttpNfcLeaseComplete") == 1
    assert isinstance(result.entity, vim.VirtualMachine)


def test_with_a_login_and_a_pin(imported: Importing, simulator: Simulator, web: Web) -> None:
    web.habits.login = "Basic bWU6c2VjcmV0LXdvcmQ="
    url = web.url("demo.ova").replace("https://", "https://me:secret-word@")
    pin = web.certificate.sha256
    imported(url, name=unique("pulled"), pull=True, ssl_thumbprint=pin)
    assert len(pulled(simulator)) == len(FILES)


def test_a_file_that_the_manifest_file_does_not_mean(
    imported: Importing, simulator: Simulator, web: Web
) -> None:
    wrong = {**MEMBERS, "b.vmdk": stream_disk(100, 3)}
    web.files["/demo.ova"] = ova(wrong)
    with pytest.raises(nfclease.ChecksumMismatchError, match=r"b\.vmdk.*manifest file"):
        imported(web.url("demo.ova"), name=unique("refused"), pull=True, ca_file=web.ca_file)
    assert calls_of(simulator, "HttpNfcLeaseAbort") == 1
    assert calls_of(simulator, "HttpNfcLeaseComplete") == 0


def test_a_host_that_cannot_fetch_it(imported: Importing, simulator: Simulator, web: Web) -> None:
    web.habits.whole = 403
    with pytest.raises(vim.fault.HttpFault):
        imported(web.url("demo.ova"), name=unique("refused"), pull=True, ca_file=web.ca_file)
    assert calls_of(simulator, "HttpNfcLeaseAbort") == 1
    assert calls_of(simulator, "HttpNfcLeaseComplete") == 0


def test_a_file_that_is_missing(imported: Importing, simulator: Simulator, web: Web) -> None:
    del web.files["/x/b.vmdk"]
    with pytest.raises(nfclease.PackageError, match=r"b\.vmdk"):
        imported(web.url("x/demo.ovf"), name=unique("refused"), pull=True, ca_file=web.ca_file)
    assert calls_of(simulator, "ImportVApp") == 0


def test_what_cannot_be_pulled(
    imported: Importing, simulator: Simulator, web: Web, tmp_path: Path
) -> None:
    packed = descriptor({"a.vmdk": 9}, file_attributes='ovf:compression="gzip"')
    web.files["/demo.ova"] = ova({"demo.ovf": packed, "a.vmdk": b"123456789"})
    with pytest.raises(nfclease.PackageError, match="leave pull out"):
        imported(web.url("demo.ova"), name=unique("refused"), pull=True, ca_file=web.ca_file)
    with pytest.raises(ValueError, match="pull"):
        imported(tmp_path, name=unique("refused"), pull=True)
    assert calls_of(simulator, "ImportVApp") == 0


LISTED = package({**FILES, "cd.iso": b"i" * 3000})
GONE = {**LISTED, "demo.mf": LISTED["demo.mf"] + f"SHA256(gone.iso)= {0:064}\n".encode()}
BEHIND = {
    **{name: LISTED[name] for name in LISTED if name != "demo.mf"},
    "demo.mf": GONE["demo.mf"],
}


@pytest.mark.parametrize(
    ("members", "ranges", "note"),
    [
        (GONE, True, r"gone\.iso: the manifest file lists it, and it is missing"),
        (LISTED, True, r"cd\.iso: nothing is fetched of it"),
        (GONE, False, r"gone\.iso: nothing is sent of it, nor compared"),
        (BEHIND, False, "no manifest file came before its files"),
        (package(FILES, algorithm=None), False, "no manifest file came before its files"),
    ],
)
def test_what_is_not_compared(
    imported: Importing,
    simulator: Simulator,
    web: Web,
    members: dict[str, bytes],
    ranges: bool,
    note: str,
) -> None:
    """It is said; with ``strict`` nothing begins."""
    web.files["/demo.ova"] = ova(members)
    web.habits.ranges = ranges
    options: dict[str, Any] = {"pull": True, "ca_file": web.ca_file}
    result = imported(web.url("demo.ova"), name=unique("noted"), **options)
    assert [each for each in result.notes if re.search(note, each)]
    with pytest.raises(nfclease.PackageError, match=note):
        imported(web.url("demo.ova"), name=unique("strict"), strict=True, **options)
    assert calls_of(simulator, "ImportVApp") == 1
