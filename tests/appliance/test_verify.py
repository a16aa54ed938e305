"""`verify`: whole packages pass, and whatever is wrong or odd is said, on both faces."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import TransferProgress, VerifyResult, verify, verify_async

from ..support.packages import (
    END,
    descriptor,
    entry,
    manifest,
    ova,
    package,
    stream_disk,
    written,
)
from ..support.web import serving

DISK = stream_disk()


@pytest.fixture(params=["blocking", "asyncio"])
def verified(request: pytest.FixtureRequest) -> Callable[..., VerifyResult]:
    if request.param == "blocking":
        return verify

    def in_a_loop(*args: Any, **options: Any) -> VerifyResult:
        return asyncio.run(verify_async(*args, **options))

    return in_a_loop


def with_mf(text: bytes) -> dict[str, bytes]:
    members = package(algorithm=None)
    ovf, disk = members.items()
    return dict([ovf, ("demo.mf", text), disk])


def lines(**changes: Any) -> bytes:
    members = package(algorithm=None)
    return manifest(members, changes.get("algorithm", "sha256"))


def chunked(missing: int | None = None) -> dict[str, bytes]:
    pieces = {f"disk.vmdk.{number:09}": DISK[at : at + 2000]
              for number, at in enumerate(range(0, len(DISK), 2000))}  # fmt: skip
    ovf = descriptor({"disk.vmdk": len(DISK)}, file_attributes='ovf:chunkSize="2000"')
    listed = {"demo.ovf": ovf, **pieces}
    if missing is not None:
        del pieces[f"disk.vmdk.{missing:09}"]
    return {"demo.ovf": ovf, "demo.mf": manifest(listed), **pieces}


def zipped(data: bytes) -> dict[str, bytes]:
    return package(
        {"disk.vmdk.gz": data}, disks=["disk.vmdk.gz"], file_attributes='ovf:compression="gzip"'
    )


UPPER = lines().decode()
UPPER = "".join(line[: line.index("=") + 2] + line[line.index("=") + 2 :].upper()
                for line in UPPER.splitlines(keepends=True))  # fmt: skip

#: Members, and what a note says; "" for none.
WHOLE: dict[str, tuple[dict[str, bytes], str]] = {
    "plain": (package(), ""),
    "sha1": (package(algorithm="sha1"), ""),
    "sha512": (package(algorithm="sha512"), ""),
    "no_manifest": (package(algorithm=None), "no manifest file"),
    "no_size": ({"demo.ovf": descriptor({"disk.vmdk": None}), "disk.vmdk": DISK}, "no manifest"),
    "size_is_capacity": (
        {"demo.ovf": descriptor({"disk.vmdk": 1 << 20}), "disk.vmdk": DISK},
        "which is what disks can hold",
    ),
    "size_is_of_all_capacities": (
        {"demo.ovf": descriptor({"disk.vmdk": 1 << 40}), "disk.vmdk": DISK},
        "which is what disks can hold",
    ),
    "space_form": (with_mf(lines().replace(b"(", b" (")), "vSphere"),
    "crlf": (with_mf(lines().replace(b"\n", b"\r\n")), ""),
    "upper_case_hex": (with_mf(UPPER.encode()), ""),
    "missing_line": (with_mf(lines().splitlines(keepends=True)[0]), "no line for it"),
    "empty_manifest": (with_mf(b""), "demo.mf: it lists no file"),
    "dot_slash": (with_mf(lines().replace(b"(", b"(./")), ""),
    "space": (package({"The Image Name.vmdk": DISK}), ""),
    "unicode": (package({"仮想ディスク.vmdk": DISK}), ""),
    "nvram_and_iso": (package({"disk.vmdk": DISK, "demo.nvram": b"", "seed.iso": b"x" * 2048}), ""),
    "chunks": (chunked(), ""),
    "gzip": (zipped(gzip.compress(DISK)), ""),
    "delta": (package({"disk.vmdk": DISK, "delta.vmdk": stream_disk(4, 2)}), ""),
}

#: Members, and what a problem says.
BROKEN: dict[str, tuple[dict[str, bytes], str]] = {
    "wrong_sum": ({**package(), "disk.vmdk": stream_disk(seed=2)}, "sha256"),
    "edited_descriptor": (
        {**package(), "demo.ovf": package()["demo.ovf"].replace(b">demo<", b">omed<")},
        "demo.ovf: its sha256",
    ),
    "missing_file": (
        {"demo.ovf": descriptor({"disk.vmdk": 1, "a.nvram": 2}), "disk.vmdk": DISK},
        "'a.nvram' is missing",
    ),
    "listed_only": (with_mf(lines() + manifest({"b.iso": b""})), "'b.iso' is missing"),
    "other_size": (
        {"demo.ovf": descriptor({"disk.vmdk": len(DISK) - 1}), "disk.vmdk": DISK},
        "the descriptor says",
    ),
    "raw_disk": (package({"disk.vmdk": bytes(65536)}), "not a streamOptimized VMDK"),
    "cut_disk": (package({"disk.vmdk": DISK[:-512]}), "not whole"),
    "missing_chunk": (chunked(missing=1), "'disk.vmdk.000000001' is missing"),
    "cut_gzip": (zipped(gzip.compress(DISK)[:-4]), "gzip"),
    "not_gzip": (zipped(DISK), "gzip"),
    "cut_in_gzip": (zipped(gzip.compress(DISK[:-512])), "not whole"),
    "file_uri": (
        {"demo.ovf": descriptor({"file:///C:/x/disk.vmdk": None}), "disk.vmdk": DISK},
        "leaves the package",
    ),
    "broken_descriptor": ({"demo.ovf": b"<Envelope>", "disk.vmdk": DISK}, "demo.ovf"),
}


@pytest.mark.parametrize("case", WHOLE)
def test_whole(case: str, verified: Callable[..., VerifyResult], tmp_path: Path) -> None:
    members, note = WHOLE[case]
    result = verified(io.BytesIO(ova(members)))
    assert result, result.problems
    assert result.ok
    assert any(note in said for said in result.notes) == bool(note), result.notes
    assert verified(written(tmp_path, members)).files == result.files
    strict = verified(written(tmp_path, members), strict=True)
    assert (bool(strict), len(strict.problems)) == (not result.notes, len(result.notes))


@pytest.mark.parametrize("case", BROKEN)
def test_broken(case: str, verified: Callable[..., VerifyResult], tmp_path: Path) -> None:
    members, problem = BROKEN[case]
    path = tmp_path / "x.ova"
    path.write_bytes(ova(members))
    for source in (path, written(tmp_path / "d", members)):
        result = verified(source)
        assert not result
        assert any(problem in said for said in result.problems), result.problems


def test_rows() -> None:
    members = package({"disk.vmdk": DISK, "seed.iso": b"iso"})
    result = verify(io.BytesIO(ova(members)))
    assert [file.name for file in result.files] == ["demo.ovf", "disk.vmdk", "seed.iso"]
    for file in result.files:
        data = members[file.name]
        assert (file.size, file.checksum_type, file.verified) == (len(data), "sha256", True)
        assert file.checksum == hashlib.sha256(data).hexdigest()
    assert "seed.iso" in result._repr_html_()


def test_a_package_that_cannot_be_opened_is_a_result(tmp_path: Path) -> None:
    path = tmp_path / "x.ova"
    whole = ova(package())
    links = entry("demo.ovf", package()["demo.ovf"]) + entry(
        "disk.vmdk", type=tarfile.SYMTYPE, linkname="/etc/passwd"
    )
    for data, problem in {
        whole[:9000]: "cut",
        b"PK\x03\x04" + bytes(600): "zip",
        ova({"../demo.ovf": b""}): "unsafe file name",
        links + END: "it is a link",
    }.items():
        path.write_bytes(data)
        result = verify(path)
        assert not result
        assert problem in " ".join(result.problems)
        assert result.path == str(path)


def test_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        verify(tmp_path / "missing.ova")
    with pytest.raises(TypeError, match="source must be"):
        verify(7)
    with pytest.raises(TypeError, match="binary mode"):
        verify(io.StringIO("x"))
    for number in (0, 65):  # as a lease has it
        with pytest.raises(ValueError, match=f"max_concurrency must be 1 to 64, not {number}"):
            verify(tmp_path, max_concurrency=number)
    with pytest.raises(TypeError, match="max_concurrency must be an int"):
        verify(tmp_path, max_concurrency=2.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="progress"):
        verify(tmp_path, progress=7)  # type: ignore[arg-type]


def test_it_blocks_no_event_loop(tmp_path: Path) -> None:
    async def main() -> None:
        verify(tmp_path)

    with pytest.raises(RuntimeError, match="await verify_async"):
        asyncio.run(main())


def test_progress(verified: Callable[..., VerifyResult], tmp_path: Path) -> None:
    seen: list[TransferProgress] = []
    assert verified(written(tmp_path, package()), progress=seen.append, max_concurrency=1)
    ended = {each.name: each for each in seen if each.done}
    assert list(ended) == ["disk.vmdk"]
    assert ended["disk.vmdk"].bytes_done == ended["disk.vmdk"].bytes_total == len(DISK)
    assert not any(each.failed for each in seen)


def test_an_error_of_the_callable_comes_out(tmp_path: Path) -> None:
    def fail(_: TransferProgress) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        verify(written(tmp_path, package()), progress=fail)


def test_an_error_of_the_file_object_comes_out() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= 3000:
                raise LookupError("mine")
            return super().read(size)

    with pytest.raises(LookupError, match="mine"):
        verify(Broken(ova(package(algorithm=None))))


#: Of a stream it is known later, or earlier.
WORDED_OTHERWISE = ("listed_only", "missing_file", "broken_descriptor", "file_uri")


@pytest.mark.parametrize("case", [*WHOLE, *BROKEN])
def test_a_stream_is_judged_alike(case: str) -> None:
    members, said = {**WHOLE, **BROKEN}[case]
    result = verify(iter([ova(members)]))
    assert bool(result) == (case in WHOLE), result.problems
    if case in BROKEN and case not in WORDED_OTHERWISE:
        assert any(said in problem for problem in result.problems), result.problems
    if result:
        assert {file.name for file in result.files} == {
            name for name in members if name != "demo.mf"
        }


def test_a_stream_whose_manifest_file_comes_last() -> None:
    members = package(algorithm="sha512")
    last = members.pop("demo.mf")
    result = verify(iter([ova({**members, "demo.mf": last})]), strict=True)
    assert result, result.problems
    assert all(file.verified for file in result.files)
    wrong = verify(iter([ova({**members, "disk.vmdk": stream_disk(seed=3), "demo.mf": last})]))
    assert "the manifest file says" in wrong.problems[0]


@pytest.mark.parametrize("ranges", [True, False])
def test_an_address(verified: Callable[..., VerifyResult], ranges: bool, tmp_path: Path) -> None:
    whole = ova(package())
    with serving({"demo.ova": whole, "cut.ova": whole[:9000]}, tmp_path, ranges=ranges) as web:
        result = verified(web.url("demo.ova?key=secret"), ca_file=web.ca_file, strict=True)
        assert result, result.problems
        assert "secret" not in repr(result)
        assert not verified(web.url("cut.ova"), ca_file=web.ca_file)
        with pytest.raises(nfclease.TlsError):
            verified(web.url("demo.ova"))
        with pytest.raises(nfclease.HttpStatusError):
            verified(web.url("other.ova"), ca_file=web.ca_file)
    with pytest.raises(ValueError, match="ca_file"):
        verified(tmp_path, ca_file=web.ca_file)


def test_nothing_is_held_after_it(tmp_path: Path) -> None:
    path = tmp_path / "x.ova"
    path.write_bytes(ova(package()))
    file = path.open("rb")
    assert nfclease.verify(file)
    file.close()
    assert nfclease.verify(path)
