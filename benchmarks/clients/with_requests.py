"""A careful script on ``requests``: blocks of 1 MiB both ways, digest taken inline."""

from __future__ import annotations

import hashlib
import os
from typing import Any, BinaryIO

import requests
from requests.adapters import HTTPAdapter

from .common import BLOCK, Result, Trust, main


class LargeBlocks(HTTPAdapter):
    """Sends file objects in blocks of 1 MiB; the default of 16 KiB costs a third more."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Passes the block size down to the connections."""
        super().init_poolmanager(*args, blocksize=BLOCK, **kwargs)


class HashingFile:
    """A file that is hashed while something else reads it."""

    def __init__(self, file: BinaryIO) -> None:
        """Wraps an open file."""
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self.digest = hashlib.sha1()

    def __len__(self) -> int:
        """Its size, from which requests makes the Content-Length."""
        return self._size

    def read(self, size: int = -1) -> bytes:
        """The next block."""
        block = self._file.read(size)
        self.digest.update(block)
        return block


def get(url: str, path: str, trust: Trust) -> Result:
    """Downloads one disk."""
    digest, done = hashlib.sha1(), 0
    with (
        requests.get(url, stream=True, verify=trust.certificate) as response,
        open(path, "wb") as file,
    ):
        response.raise_for_status()
        for block in response.iter_content(BLOCK):
            digest.update(block)
            file.write(block)
            done += len(block)
    return Result(done, digest.hexdigest())


def put(url: str, path: str, trust: Trust) -> Result:
    """Uploads one disk."""
    with requests.Session() as session, open(path, "rb", buffering=0) as file:
        session.mount("https://", LargeBlocks())
        source = HashingFile(file)
        headers = {"Content-Type": "application/x-vnd.vmware-streamVmdk"}
        response = session.post(url, data=source, headers=headers, verify=trust.certificate)
        response.raise_for_status()
    return Result(len(source), source.digest.hexdigest())


if __name__ == "__main__":
    main(get, put)
