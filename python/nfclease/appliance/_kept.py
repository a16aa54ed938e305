"""The record of the disks that were kept: read as if a stranger had written it."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import asdict, dataclass, fields
from typing import Any

from nfclease import _core
from nfclease.appliance._manifest import ALGORITHMS
from nfclease.exceptions import NfcError

__all__ = ["KeptFile", "Record"]

#: What a record has to say of itself to be read.
_VERSION = 1
#: Bytes of the largest one that is read: some thousand disks.
_LARGEST = 4 << 20
#: Hex digits of each sum.
_DIGITS = {"sha1": 40, "sha256": 64, "sha512": 128}
_VERIFIED = ("manifest", "stream")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A disk that was verified, and whose bytes are durable.

    Attributes:
        key: ``DeviceUrl.key``.
        name: Its file in the package.
        size: Bytes.
        checksum_type: Of the server's sum, which it was compared with.
        verified: As for ``ExportedFile``.
        sums: The server's sum and that of the manifest file, by type.
        capacity: Bytes that the disk can hold.
        populated_size: Bytes of it that are in use.
        disk: What the server said of the disk.
    """

    key: str
    name: str
    size: int
    checksum_type: str
    verified: str
    sums: dict[str, str]
    capacity: int | None
    populated_size: int | None
    disk: dict[str, Any]

    @property
    def checksum(self) -> str:
        """The server's sum."""
        return self.sums[self.checksum_type]


@dataclass(frozen=True, slots=True)
class Record:
    """What a folder has.

    Attributes:
        vm: What the server said of the VM; a disk counts for no other state of it.
        files: The disks, by key.
    """

    vm: dict[str, Any]
    files: dict[str, KeptFile]

    def write(self, path: str) -> None:
        """Takes the place of the old one in one step, and lasts.

        Raises:
            OSError: It cannot be written; the old one is there still.
        """
        rows = [asdict(file) for file in self.files.values()]
        text = json.dumps({"version": _VERSION, "vm": self.vm, "files": rows}, indent=1)
        part = f"{path}.part"
        try:
            with open(part, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except OSError as error:
            error.filename = error.filename or part
            raise
        from nfclease.appliance._directory import sync

        sync(os.path.dirname(path))


def read(path: str) -> Record | None:
    """The record at a path; None if it is missing or cannot be followed."""
    try:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            text = file.read(_LARGEST + 1)
    except OSError:
        return None
    if len(text) > _LARGEST:
        return None
    try:
        return _parsed(json.loads(text))
    except (ValueError, TypeError, KeyError, RecursionError, NfcError):
        return None


def _parsed(value: Any) -> Record:
    if value["version"] != _VERSION or not isinstance(value["vm"], dict):
        raise ValueError("another version of it")
    files = [_file(row) for row in value["files"]]
    _core.safe_names([file.name for file in files])
    return Record(value["vm"], {file.key: file for file in files})


def _file(row: Any) -> KeptFile:
    """A disk, all of whose fields are of their kind and range."""
    file = KeptFile(**{field.name: row[field.name] for field in fields(KeptFile)})
    for text in (file.key, file.name, file.checksum_type, file.verified):
        _check(isinstance(text, str))
    for number in (file.size, file.capacity, file.populated_size):
        _check(number is None or (type(number) is int and 0 <= number < 1 << 63))
    _check(file.size is not None and isinstance(file.disk, dict) and isinstance(file.sums, dict))
    _check(file.verified in _VERIFIED and file.checksum_type in file.sums)
    for kind, digest in file.sums.items():
        _check(kind in ALGORITHMS and isinstance(digest, str) and _is_hex(digest, _DIGITS[kind]))
    return file


def _is_hex(text: str, digits: int) -> bool:
    return len(text) == digits and set(text) <= set("0123456789abcdef")


def _check(is_right: bool) -> None:
    if not is_right:
        raise ValueError("a field that it cannot have")
