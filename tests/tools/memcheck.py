"""``make memcheck``: the Rust tests of readers of foreign bytes under valgrind."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
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


def main() -> int:
    """0 where nothing was found, 2 where valgrind is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cargo", default="cargo")
    parser.add_argument("rooms", nargs="*", default=ROOMS, help="filters of the tests")
    given = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("not run: valgrind is not installed")
        return 2
    binary, bad = tests_of_core(given.cargo), []
    for room in given.rooms:
        command = ["valgrind", *_VALGRIND, f"--suppressions={SUPPRESSIONS}", binary]
        command += ["--test-threads=1", room]
        code = subprocess.run(command, cwd=ROOT, env={**os.environ, "RUST_BACKTRACE": "0"})
        print(f"{room:24} {'clean' if code.returncode == 0 else 'FAILED'}", flush=True)
        bad += [room] * (code.returncode != 0)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
