"""Runs libFuzzer on each target for so many seconds; what it finds is in ``target/fuzz``.

``make fuzz SECONDS=60 TARGET=walk``. With ``--keep`` it puts the smallest set of inputs that runs
the same code into ``corpus``, from what the runs so far have found.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
# What an input may take: nothing that is read is worth more.
LIMITS = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=65536"]
# An input that is kept is at most so long.
KEPT_BYTES = 16 * 1024
# Coverage for libFuzzer, by passes that a stable compiler has.
COVERAGE = [
    "passes=sancov-module",
    "llvm-args=-sanitizer-coverage-level=4",
    "llvm-args=-sanitizer-coverage-inline-8bit-counters",
    "llvm-args=-sanitizer-coverage-pc-table",
    "llvm-args=-sanitizer-coverage-trace-compares",
]


def build(cargo: str, target: Path) -> Path:
    """Builds the fuzzer and returns its path."""
    told = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    host = next(line.split()[1] for line in told.splitlines() if line.startswith("host:"))
    # For `--target` alone: build scripts and macros are not counted.
    flags = " ".join(f"-C{option}" for option in COVERAGE)
    command = [cargo, "build", "--quiet", "--release", "--locked", "--target", host]
    command += ["--manifest-path", str(HERE / "Cargo.toml"), "--target-dir", str(target)]
    subprocess.run(command, env=os.environ | {"RUSTFLAGS": flags}, check=True)
    return target / host / "release" / "fuzz"


def fuzzed(fuzzer: Path, name: str, seconds: int, work: Path) -> bool:
    """Whether so many seconds found nothing."""
    grown, findings = work / "corpus" / name, work / "findings" / name
    for folder in (grown, findings):
        folder.mkdir(parents=True, exist_ok=True)
    log = work / f"{name}.log"
    options = [*LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix={findings}/"]
    with log.open("w") as out:
        ended = start(fuzzer, name, [*options, str(grown), str(CORPUS / name)], out)
    lines = log.read_text(errors="replace").splitlines()
    if ended == 0:
        done = next((line for line in reversed(lines) if line.startswith("Done")), "")
        print(f"{name}: nothing found. {done}")
        return True
    print("\n".join(lines[-30:]))
    print(f"{name}: found something; the input is in {findings}, the rest in {log}")
    return False


def start(fuzzer: Path, name: str, arguments: list[str], out: object) -> int:
    """Runs the fuzzer to its end."""
    environment = os.environ | {"NFCLEASE_FUZZ_TARGET": name}
    command = [str(fuzzer), *arguments]
    return subprocess.run(command, env=environment, stdout=out, stderr=out).returncode  # type: ignore[call-overload,no-any-return]


def keep(fuzzer: Path, name: str, work: Path) -> None:
    """Makes the corpus of a target anew, of its own inputs and of those that were found."""
    kept = work / "kept" / name
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    sources = [str(CORPUS / name), str(work / "corpus" / name)]
    # The smallest inputs that run all the code, however often.
    options = ["-set_cover_merge=1", "-use_counters=0", *LIMITS, f"-max_len={KEPT_BYTES}"]
    with (work / f"{name}.merge.log").open("w") as out:
        if start(fuzzer, name, [*options, str(kept), *sources], out):
            sys.exit(f"{name}: merging failed, see {out.name}")
    for old in (CORPUS / name).iterdir():
        old.unlink()
    for new in sorted(kept.iterdir()):
        shutil.copy(new, CORPUS / name / new.name[:12])
    print(f"{name}: {len(list(kept.iterdir()))} inputs")


def main() -> int:
    """Runs all targets, or one."""
    names = sorted(path.name for path in CORPUS.iterdir())
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="?", choices=names, help="one of them instead of all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--keep", action="store_true", help="make the corpus anew")
    parser.add_argument("--cargo", default="cargo")
    parser.add_argument("--work", type=Path, default=HERE.parents[1] / "target" / "fuzz")
    given = parser.parse_args()
    fuzzer = build(given.cargo, given.work)
    wanted = [given.target] if given.target else names
    if given.keep:
        for name in wanted:
            keep(fuzzer, name, given.work)
        return 0
    return 0 if all([fuzzed(fuzzer, name, given.seconds, given.work) for name in wanted]) else 1


if __name__ == "__main__":
    sys.exit(main())
