"""The descriptors of govmomi's fixtures, VMware's own corpus among them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import nfclease
from nfclease import _core

from ..support.genuine import govmomi_descriptors

#: Why some are refused, and how many of the corpus at v0.56.0.
REFUSED = {
    r"nobody declares the prefix '\w+(-\w+)?' \(line \d+\)": 13,
    r"it is an HTML page": 3,
    r"its root is 'FakeEnvelope', not 'Envelope'": 1,
    r"the namespace '.*' of its root is none of OVF 0.9, 1 or 2": 2,
    r"it is empty": 1,
    r"it is neither a tar archive nor an OVF descriptor": 1,
    r"it has no VirtualSystem": 10,
    r"disk '.*' is of the file '.*', which is not there": 4,
    r"two (disks|files) have the id '.*'": 4,
    r"a (File|Disk|Property) has no (id|diskId|key)": 5,
    r"its capacity '' is not a number": 2,
}


@pytest.fixture(scope="module")
def descriptors() -> dict[str, Path]:
    return govmomi_descriptors()


def refused(path: Path) -> str | None:
    try:
        package = nfclease.inspect(path)
    except nfclease.PackageError as error:
        return str(error)
    assert package.systems
    return None


def test_each_is_read_or_refused_with_its_reason(descriptors: dict[str, Path]) -> None:
    said = {name: refused(path) for name, path in descriptors.items()}
    assert len(said) == 959
    reasons: Counter[str] = Counter()
    for path, reason in said.items():
        if reason is not None:
            found = [pattern for pattern in REFUSED if re.search(pattern, reason)]
            assert len(found) == 1, (path, reason)
            reasons[found[0]] += 1
    assert reasons == REFUSED


def test_those_that_vmware_calls_right_are_read(descriptors: dict[str, Path]) -> None:
    """All but two that use a prefix which they never declare, so that no XML parser takes them."""
    right = [path for name, path in descriptors.items() if "/Pos/" in name]
    assert len(right) == 190
    said = {path.name: refused(path) for path in right}
    refusals = {name: reason for name, reason in said.items() if reason is not None}
    assert refusals.keys() == {"item_msgid.ovf", "item_msgid_elename.ovf"}
    assert all("prefix 'ovfstr' (line 40)" in reason for reason in refusals.values())


def test_no_file_of_a_stranger_leaves_the_package(descriptors: dict[str, Path]) -> None:
    """Many hrefs of the corpus go up and down again; nobody who reads files gets such a path."""
    seen = 0
    for path in descriptors.values():
        if refused(path) is None:
            data = path.read_bytes()
            found = _core.parse_descriptor(data, allow_outside=True)
            paths = [file["path"] for file in found["files"]]
            assert not [one for one in paths if one and (".." in one.split("/") or one[0] == "/")]
            if None in paths:
                seen += 1
                with pytest.raises(nfclease.UnsafePathError):
                    _core.parse_descriptor(data)
    assert seen > 200
