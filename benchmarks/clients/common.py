"""What every Python client does alike: its arguments, its threads, and the JSON that it prints.

The protocol is that of ``tests/peers/cmd/benchclient``: ``get|put [flags] URL FILE ...``.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

BLOCK = 1 << 20


@dataclass
class Asked:
    """What is the same for all disks of one run.

    Attributes:
        certificate: One way to know the server.
        thumbprint: The other.
        vcenter: A file that says where a lease is to be had.
        sha256: Whether SHA-256 is computed besides SHA-1.
    """

    certificate: str
    thumbprint: str
    vcenter: str
    sha256: bool


@dataclass
class Result:
    """One disk; a digest that was not taken is empty."""

    bytes: int
    sha1: str
    sha256: str = ""


class Digests:
    """SHA-1 of what passes, and SHA-256 of it where that is wanted."""

    def __init__(self, asked: Asked) -> None:
        self._sums = [hashlib.sha1()]
        if asked.sha256:
            self._sums.append(hashlib.sha256())
        self._bytes = 0

    def update(self, block: bytes | memoryview) -> None:
        """Adds bytes."""
        for each in self._sums:
            each.update(block)
        self._bytes += len(block)

    def result(self) -> Result:
        """What has passed."""
        return Result(self._bytes, *(each.hexdigest() for each in self._sums))


Transfer = Callable[[str, str, Asked], Result]


def _nothing(asked: Asked) -> AbstractContextManager[None]:
    return nullcontext()


def main(
    get: Transfer, put: Transfer, opened: Callable[[Asked], AbstractContextManager[None]] = _nothing
) -> None:
    """Does what the command line says; ``probe`` only shows that the client could be imported.

    ``opened`` is what must be open before the first transfer; its time is not counted.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=["get", "put", "probe"])
    parser.add_argument("--certificate", default="")
    parser.add_argument("--thumbprint", default="")
    parser.add_argument("--vcenter", default="", help="where a lease is, as a file of JSON")
    parser.add_argument("--parallel", action="store_true")
    parser.add_argument("--sha256", action="store_true", help="compute it as well")
    parser.add_argument("--busy", action="store_true", help="a Python thread computes meanwhile")
    parser.add_argument("pairs", nargs="*", metavar="URL FILE")
    args = parser.parse_intermixed_args()
    if args.verb == "probe":
        return
    transfer = get if args.verb == "get" else put
    asked = Asked(args.certificate, args.thumbprint, args.vcenter, args.sha256)
    urls, paths = args.pairs[::2], args.pairs[1::2]
    if args.busy:
        threading.Thread(target=_compute, daemon=True).start()
    with opened(asked), ThreadPoolExecutor(len(urls) if args.parallel else 1) as threads:
        startup, begin = usage(), time.perf_counter()
        files = list(threads.map(transfer, urls, paths, itertools.repeat(asked)))
        seconds, total = time.perf_counter() - begin, usage()
    json.dump(
        {
            "files": [asdict(file) for file in files],
            "seconds": seconds,
            "startup": startup,
            "total": total,
        },
        sys.stdout,
    )


def _compute() -> None:
    number = 0
    while True:
        number = (number * 31 + 7) % 1_000_003


def usage() -> dict[str, float]:
    """What this process has used so far; the peak may be that of a tool that it started."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    tools = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    peak = max(_peak_kib(), tools)
    return {"cpu_user": usage.ru_utime, "cpu_sys": usage.ru_stime, "peak_kib": peak}


def _peak_kib() -> int:
    """VmHWM, because ru_maxrss starts with the peak of the process that launched this one."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0
