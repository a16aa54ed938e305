"""Runs the drop-in tests on every pyvmomi in use, each on every Python that is found.

One virtual environment for each pair, with the release wheel from ``dist/``, kept between runs.
The simulator is that of the Python that runs this script: it needs a recent pyvmomi.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

#: What must hold on every pair.
TESTS = (
    "tests/drop_in/test_parity.py",
    "tests/drop_in/test_scripts.py",
    "tests/sessions/test_sessions.py",
    "tests/sessions/test_session_headers.py",
    "tests/sessions/test_trust_sources.py",
    "tests/sessions/test_trust_verdicts.py",
)
#: What depends on the Python, such as on its asyncio or its groups of errors, and not on its
#: pyvmomi: once for each other Python than this, which runs all tests anyway.
OF_EACH_PYTHON = (
    "tests/faces/test_asyncio.py",
    "tests/faces/test_asyncio_lease.py",
    "tests/fleet/test_errors.py",
    "tests/lease/test_racing_ends.py",
    "tests/lease/test_threads_and_processes.py",
    "tests/lease/test_unread_failures.py",
)
#: Each pyvmomi, and the minor versions of Python 3 that can run it.
PYVMOMI = {
    "6.7.1": (10, 11),
    "7.0.3": (10, 11),
    "8.0.3.0.1": (10, 11, 12, 13),
    "9.1.1.0": (10, 11, 12, 13, 14),
}
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".venv-matrix"
_PROBE = "import ssl, sys, venv; print(sys.version_info[1])"
_NEEDS = ("proxy.py", "pytest", "pytest-timeout", "requests", "trustme")
_SECONDS = 900


@dataclass(frozen=True)
class Pair:
    """A pyvmomi and a Python.

    Attributes:
        pyvmomi: Its release.
        minor: Of the Python, such as 11 for 3.11.
        python: The interpreter, or None.
        obstacle: Why there is none.
    """

    pyvmomi: str
    minor: int
    python: str | None
    obstacle: str = ""

    def __str__(self) -> str:
        return f"pyvmomi {self.pyvmomi:<9}  Python 3.{self.minor}"

    @property
    def environment(self) -> Path:
        """Where its virtual environment is."""
        return ENVIRONMENTS / f"pyvmomi-{self.pyvmomi}-py3.{self.minor}"


@dataclass(frozen=True)
class Outcome:
    """How a pair ended, with pytest's output."""

    verdict: str
    note: str
    output: str = ""


def interpreter(minor: int) -> str | None:
    """A Python 3 of this minor version that works and has venv and ssl."""
    if sys.version_info[1] == minor:
        return sys.executable
    for candidate in _candidates(minor):
        try:
            answer = subprocess.run(
                [candidate, "-c", _PROBE], capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if answer.stdout.strip() == str(minor):  # a pyenv shim may be there and run nothing
            return candidate
    return None


def _candidates(minor: int) -> Iterator[str]:
    found = shutil.which(f"python3.{minor}")
    if found:
        yield found
    roots = [os.environ.get("PYENV_ROOT"), str(Path.home() / ".pyenv")]
    for root in dict.fromkeys(filter(None, roots)):
        for path in sorted(Path(root, "versions").glob(f"3.{minor}*/bin/python3"), reverse=True):
            yield str(path)


def all_pairs() -> list[Pair]:
    """Every pyvmomi on every Python that can run it."""
    found = {minor: interpreter(minor) for minors in PYVMOMI.values() for minor in minors}
    return [
        Pair(release, minor, found[minor], "" if found[minor] else f"no Python 3.{minor} found")
        for release, minors in PYVMOMI.items()
        for minor in minors
    ]


def current_pairs() -> list[Pair]:
    """Every pyvmomi but this one: on this Python, else on the newest that is found and can run it.

    ``make test-python`` runs the same tests on this Python with this pyvmomi.
    """
    mine = version("pyvmomi")
    return [_current(each, minors) for each, minors in PYVMOMI.items() if each != mine]


def _current(release: str, minors: Sequence[int]) -> Pair:
    here = sys.version_info[1]
    for minor in sorted(minors, key=lambda minor: (minor == here, minor), reverse=True):
        python = interpreter(minor)
        if python:
            return Pair(release, minor, python)
    limits = f"pyvmomi {release} needs Python 3.{min(minors)} to 3.{max(minors)}"
    return Pair(release, here, None, f"{limits}, and none is found")


def prepare(pair: Pair, wheel: Path) -> Path:
    """The pair's interpreter, with everything installed as it should be."""
    assert pair.python is not None
    python = pair.environment / "bin" / "python"
    pins = [f"{name}=={version(name)}" for name in _NEEDS]
    pins.append(f"pyvmomi=={pair.pyvmomi}")
    content = hashlib.sha256(wheel.read_bytes()).hexdigest()
    stamp = pair.environment / "installed"
    wanted = "\n".join([*pins, content])
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(pair.environment, ignore_errors=True)
    _checked([pair.python, "-m", "venv", "--without-pip", str(pair.environment)])
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    _checked([*pip, "--disable-pip-version-check", *pins, str(wheel)])
    stamp.write_text(wanted, encoding="utf-8")
    return python


def _checked(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def tests_of(pair: Pair, asked: Sequence[str]) -> Sequence[str]:
    """What was asked for, else what the pair is there for."""
    newest = list(PYVMOMI)[-1]
    if asked or pair.pyvmomi != newest or pair.minor == sys.version_info[1]:
        return asked or TESTS
    return (*TESTS, *OF_EACH_PYTHON)


def run(pair: Pair, wheel: Path, tests: Sequence[str]) -> Outcome:
    """Runs the tests on one pair."""
    if pair.python is None:
        return Outcome("not run", pair.obstacle)
    try:
        python = prepare(pair, wheel)
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        return Outcome("failed", "its environment could not be made", str(error))
    environment = {**os.environ, "NFCLEASE_SIMULATOR_PYTHON": sys.executable}
    environment.pop("PYTHONPATH", None)  # the wheel is under test, not the sources
    started = time.monotonic()
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        return Outcome("failed", f"no end after {_SECONDS} s", str(error.stdout))
    last = (done.stdout.strip().splitlines() or ["pytest said nothing"])[-1]
    note = f"{last.split(' in ')[0].strip('= ')}, {time.monotonic() - started:.0f} s"
    verdict = "failed" if done.returncode else "passed"
    return Outcome(verdict, note, done.stdout + done.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line for each pair and a count; returns 1 when any failed or none ran."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--python",
        choices=["all", "current"],
        default="all",
        help="all that are found, or each other pyvmomi on one: this one wherever it can",
    )
    parser.add_argument("tests", nargs="*", help="test files, for pytest")
    options = parser.parse_args(arguments)
    wheels = sorted((ROOT / "dist").glob("*.whl"))
    if len(wheels) != 1:
        parser.error(f"dist/ must hold one wheel, and holds {len(wheels)}: run 'make wheel'")
    pairs = all_pairs() if options.python == "all" else current_pairs()
    counts = dict.fromkeys(("passed", "failed", "not run"), 0)
    # They wait for servers and clocks more than for a processor.
    with ThreadPoolExecutor(min(4, 2 * (os.cpu_count() or 1))) as pool:
        running = {
            pool.submit(run, pair, wheels[0], tests_of(pair, options.tests)): pair for pair in pairs
        }
        for future in as_completed(running):
            outcome = future.result()
            counts[outcome.verdict] += 1
            if outcome.verdict == "failed":
                print(outcome.output)
            print(f"{running[future]}  {outcome.verdict}: {outcome.note}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
