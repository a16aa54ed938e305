"""Instruction counts of a fixed transfer each way: what a change costs on a busy machine too.

    python -m benchmarks.check [--update]            # or: make bench-check

Callgrind counts the user instructions of the core (`transport.rs`) at one disk of 64 MiB: those of
the digest, which are most, and all others. They are compared with `instructions.json` beside this
file: more than 3 % beyond it is a regression, more than 3 % below a reason for ``--update``. The
counts are those of the processor, compiler, C library and valgrind that the file names: elsewhere
nothing is compared. That is exit code 1 as well, since who asked has got no comparison.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .measure import ENVIRONMENT
from .report import cpu_model
from .server import ROOT, build_peers, serve
from .variants import TRANSPORT

DISK = 64 << 20
ALLOWED = 0.03
RUNS = 3
COUNTS = Path(__file__).with_name("instructions.json")
_TOTAL = re.compile(r"([\d,]+) .*PROGRAM TOTALS")
_DIGEST = re.compile(r"([\d,]+) .*:sha1::\S*compress")


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--update", action="store_true", help="write the counts of this build")
    args = parser.parse_args()
    if not shutil.which("valgrind"):
        print("not run: valgrind is not installed")
        return 1
    machine = _machine()
    if args.update:
        counts = {**machine, "instructions": _counts()}
        COUNTS.write_text(json.dumps(counts, indent=1) + "\n")
        print(f"written: {counts['instructions']}")
        return 0
    known: dict[str, Any] = json.loads(COUNTS.read_text())
    if said := list(different(known, machine)):
        print("\n".join(said))
        return 1
    found = _counts()
    return compare(known["instructions"], found)


def different(known: dict[str, Any], machine: dict[str, str]) -> Iterator[str]:
    """Why there is nothing to compare."""
    for key, here in machine.items():
        if known.get(key) != here:
            yield f"not run: the counts are of {key} {known.get(key)!r}, this is {here!r}"


def compare(known: dict[str, int], found: dict[str, int]) -> int:
    """Prints what has changed; the exit code."""
    code = 0
    for way, count in found.items():
        change = count / known[way] - 1
        verdict = "ok"
        if change > ALLOWED:
            verdict, code = "REGRESSION", 1
        elif change < -ALLOWED:
            verdict, code = "better: run it with --update and commit the file", 1
        print(f"{way}: {count:,} instructions, {change:+.2%}: {verdict}")
    return code


def _counts() -> dict[str, int]:
    programs = build_peers()
    with (
        tempfile.TemporaryDirectory(prefix="nfclease-bench-") as name,
        serve(programs, Path(name), chunked=False, largest=DISK) as server,
    ):
        disk, found = Path(name) / "disk", {}
        for verb, url in (("get", server.disk_url(0, DISK)), ("put", server.upload_url(0))):
            command = [str(TRANSPORT), verb, "--thumbprint", server.thumbprint, url, str(disk)]
            # What comes late is read in more pieces: the fewest are those of a server on time.
            total, digest = min(_count(command, Path(name) / "counts") for _ in range(RUNS))
            found[f"{verb}: SHA-1"], found[f"{verb}: all else"] = digest, total - digest
    return found


def _count(command: list[str], counts: Path) -> tuple[int, int]:
    """All instructions, and those of the digest."""
    _run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}", *command])
    told = _run(["callgrind_annotate", str(counts)])
    total, digest = _TOTAL.search(told), _DIGEST.search(told)
    if not total or not digest:
        sys.exit(f"callgrind_annotate: no totals or no SHA-1 in it: {told}")
    return int(total[1].replace(",", "")), int(digest[1].replace(",", ""))


def _run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]}: {done.stderr}")
    return done.stdout


def _machine() -> dict[str, str]:
    """What decides how many instructions there are."""
    return {
        "machine": platform.machine(),
        "cpu": cpu_model(),
        "compiler": _run(["rustc", "--version"]).strip(),
        "libc": " ".join(platform.libc_ver()),
        "valgrind": _run(["valgrind", "--version"]).strip(),
    }


if __name__ == "__main__":
    sys.exit(main())
