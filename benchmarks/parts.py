"""What the floor is made of, each part alone: receive and decrypt, the digests, the write."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .measure import Cost, run, sha1_of
from .scenarios import MIB, Scenario, check
from .server import Server
from .variants import Variant

#: What `floor/` hashes and writes.
BYTE = b"\x5a"


class Parts:
    """Where the parts run."""

    def __init__(self, server: Server, file: Path) -> None:
        """The file is removed before each run."""
        self._server, self._file = server, file
        self._sums: dict[int, str] = {}

    def play(self, scenario: Scenario, variant: Variant) -> Cost:
        """One run of one part; what it said and wrote is compared, as far as there is something."""
        size, file = scenario.size, str(self._file)
        self._file.unlink(missing_ok=True)
        if variant.name == "part-receive":
            url = self._server.disk_url(0, size)
            command = [*variant.arguments("get", self._server, "--bare"), url, file]
        else:
            command = [*variant.command, str(size // MIB), file]
        cost = run(command, self._server)
        [said] = cost.files
        check("the size", said["bytes"], size)
        if variant.name == "part-write":
            check("the digest of the file", sha1_of(self._file), self._sum(size))
        elif variant.name != "part-receive":
            check("the digest", said["sha1"], self._sum(size))
        self._file.unlink(missing_ok=True)
        return cost

    def _sum(self, size: int) -> str:
        if size not in self._sums:
            digest, block = hashlib.sha1(), BYTE * MIB
            for _ in range(size // MIB):
                digest.update(block)
            self._sums[size] = digest.hexdigest()
        return self._sums[size]
