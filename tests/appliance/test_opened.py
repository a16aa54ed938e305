"""Every kind of source of a package, on both faces."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nfclease import PackageError, _core
from nfclease.appliance._opened import opened

from ..support.jobs import run_job
from ..support.packages import descriptor, entry, ova, package, stream_disk, written
from ..support.web import serving

if TYPE_CHECKING:
    from nfclease.appliance._face import Face

MEMBERS = package()
OVA = ova(MEMBERS)


def seen(face: str, source: Any, **options: Any) -> tuple[bytes, bool, str]:
    async def job(face: Face) -> tuple[bytes, bool, str]:
        async with opened(face, source, **options) as found:
            return found.descriptor, found.in_order, found.name

    return run_job(face, job)


SOURCES: dict[str, tuple[Callable[[Path], Any], bool]] = {
    "archive": (lambda folder: folder / "demo.ova", False),
    "text": (lambda folder: str(folder / "demo.ova"), False),
    "descriptor": (lambda folder: folder / "x" / "demo.ovf", False),
    "directory": (lambda folder: folder / "x", False),
    "file_object": (lambda _: io.BytesIO(OVA), False),
    "iterator": (lambda _: iter([OVA]), True),
    "pieces": (lambda _: [OVA[:700], OVA[700:]], True),
}


@pytest.mark.parametrize("face", ["blocking", "asyncio"])
@pytest.mark.parametrize("case", SOURCES)
def test_local_sources(case: str, face: str, tmp_path: Path) -> None:
    (tmp_path / "demo.ova").write_bytes(OVA)
    written(tmp_path / "x", MEMBERS)
    make, in_order = SOURCES[case]
    assert seen(face, make(tmp_path))[:2] == (MEMBERS["demo.ovf"], in_order)


@pytest.mark.parametrize("face", ["blocking", "asyncio"])
@pytest.mark.parametrize("ranges", [True, False])
def test_addresses(face: str, ranges: bool, tmp_path: Path) -> None:
    with serving({"demo.ova": OVA}, tmp_path, ranges=ranges) as web:
        found = seen(face, web.url("demo.ova?key=secret"), ca_file=web.ca_file)
        assert found[:2] == (MEMBERS["demo.ovf"], not ranges)
        assert found[2].startswith("demo.ova at 127.0.0.1:")
        pinned = seen(face, web.url("demo.ova"), ssl_thumbprint=web.certificate.sha256)
        assert pinned[:2] == found[:2]


def compressed() -> dict[str, bytes]:
    data = gzip.compress(stream_disk())
    described = descriptor({"disk.vmdk": len(data)}, file_attributes='ovf:compression="gzip"')
    return {"demo.ovf": described, "disk.vmdk": data}


@pytest.mark.parametrize("face", ["blocking", "asyncio"])
def test_what_cannot_be_streamed_is_kept_for_a_while(face: str) -> None:
    data, kept = compressed(), []

    async def job(face: Face) -> None:
        async with opened(face, iter([ova(data)])) as found:
            assert isinstance(found, _core.Package)
            assert found.member_size("disk.vmdk") == len(data["disk.vmdk"])
            kept.append(Path(found.name))
            assert kept[0].exists()

    run_job(face, job)
    assert not kept[0].exists()
    assert seen(face, iter([ova(data)]), whole=False)[1]


def test_what_is_kept_goes_when_it_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(PackageError, match="missing"):
        seen(
            "blocking", iter([b"".join(entry(*member) for member in compressed().items())[:-1024]])
        )
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("source", [None, 3, object()])
def test_other_things_are_refused(source: Any) -> None:
    with pytest.raises(TypeError, match="path or an https"):
        seen("blocking", source)


def test_options_of_an_address_are_for_addresses(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="https address"):
        seen("blocking", tmp_path, ssl_thumbprint="AB:" * 19 + "AB")
    with pytest.raises(ValueError, match="https://"):
        seen("blocking", "http://host/vm.ova")
    with pytest.raises(TypeError, match="rb"):
        seen("blocking", io.StringIO("x"))
