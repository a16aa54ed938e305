"""``make memcheck``: the Rust tests of readers of foreign bytes under valgrind.

What came of it is kept in ``REPORT`` with what it was made of: case F10 of the catalogue of faults
reads it there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "target" / "memcheck.json"
SUPPRESSIONS = ROOT / "tests" / "tools" / "memcheck.supp"
#: All foreign bytes come by these, and zlib and libdeflater below them are C. TLS is not here:
#: of the alert of a refused handshake valgrind says that bytes were never set, and whether that is
#: ring's assembly or a fault is not known yet.
ROOMS = ("ovf::", "xml::", "soap::", "vmdk::", "io::", "image::qcow2")
#: Valgrind lets one thread run at a time; a test that measures time is not for it.
_VALGRIND = ("--quiet", "--error-exitcode=99", "--leak-check=no", "--fair-sched=yes")


def tests_of_core(cargo: str) -> str:
    """Builds the unit tests of the core, and says where they are."""
    command = [cargo, "test", "--locked", "-p", "nfclease", "--lib", "--no-run"]
    command += ["--message-format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    messages = map(json.loads, done.stdout.splitlines())
    found = [each.get("executable") for each in messages if each.get("profile", {}).get("test")]
    return str(next(filter(None, found)))


def digest_of_sources() -> str:
    """Of all that decides what valgrind can find: the core, what it is made of, and this tool."""
    files = [ROOT / "Cargo.toml", ROOT / "Cargo.lock", Path(__file__), SUPPRESSIONS]
    files += sorted((ROOT / "src").rglob("*.rs"))
    digest = hashlib.sha256()
    for path in files:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(ROOT)} {content}\n".encode())
    return digest.hexdigest()


def count_of(binary: str, room: str) -> int:
    """How many tests a filter has: one that has none finds nothing, and says so in no other way."""
    done = subprocess.run([binary, "--list", room], capture_output=True, text=True, check=True)
    return done.stdout.count(": test")


def checked(binary: str, room: str) -> str:
    """What is wrong with the tests of a room; empty where nothing is."""
    if not count_of(binary, room):
        return "it has no tests"
    command = ["valgrind", *_VALGRIND, f"--suppressions={SUPPRESSIONS}", binary]
    command += ["--test-threads=1", room]
    environment = {**os.environ, "RUST_BACKTRACE": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}"[-20_000:] or "it failed"


def main() -> int:
    """0 where nothing was found, 2 where valgrind is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cargo", default="cargo")
    parser.add_argument("rooms", nargs="*", default=ROOMS, help="filters of the tests")
    given = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("not run: valgrind is not installed")
        return 2
    sources, binary = digest_of_sources(), tests_of_core(given.cargo)
    found: dict[str, str] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for room, wrong in zip(
            given.rooms, pool.map(lambda one: checked(binary, one), given.rooms), strict=True
        ):
            found[room] = wrong
            print(f"{room:24} {'FAILED' if wrong else 'clean'}", wrong, flush=True)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps({"sources": sources, "found": found}, indent=1))
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
