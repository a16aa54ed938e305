"""Installs what is in dist/ into a new environment of every Python found, and exports a VM."""

from __future__ import annotations

import fnmatch
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from .matrix import interpreter

ROOT = Path(__file__).resolve().parents[2]
MINORS = (10, 11, 12, 13, 14)
LARGEST = 5_000_000
WANTED = ("*.dist-info/sboms/*.json", "nfclease/py.typed", "nfclease/_core.pyi", "*/LICENSE")
_SECONDS = 900


def run(command: list[str], where: Path) -> str:
    """Its output.

    Raises:
        RuntimeError: It failed.
    """
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=_SECONDS)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def smoke(python: str, package: Path) -> str:
    """What the export says, in an environment that has the package and what it asks for only."""
    with tempfile.TemporaryDirectory() as folder:
        run([python, "-m", "venv", "--without-pip", folder], ROOT)
        there = str(Path(folder, "bin", "python"))
        pip = [sys.executable, "-m", "pip", "--python", there, "install", "--quiet"]
        run([*pip, "--disable-pip-version-check", f"{package}[simulator]"], ROOT)
        # Away from the sources, which Python would find first.
        return run([there, "-I", str(ROOT / "tests" / "support" / "smoke.py")], Path(folder))


def inside(wheel: Path) -> str:
    """What is to be known of the wheel itself.

    Raises:
        RuntimeError: It is too large, lacks its SBOM, types or licence, or has what is not of it.
    """
    size = wheel.stat().st_size
    if size > LARGEST:
        raise RuntimeError(f"{wheel.name} has {size} bytes, more than {LARGEST}")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for wanted in WANTED:
        if not [name for name in names if fnmatch.fnmatch(name, wanted)]:
            raise RuntimeError(f"{wheel.name} has no {wanted}")
    strange = [name for name in names if not name.startswith(("nfclease/", "nfclease-"))]
    if strange:
        raise RuntimeError(f"{wheel.name} would install {', '.join(strange)}")
    return f"{size / 1e6:.1f} MB, {len(names)} files, with SBOM, types and licence"


def main() -> int:
    """Prints a line for each; returns 1 when one failed or none ran."""
    [wheel], sdists = list((ROOT / "dist").glob("*.whl")), list((ROOT / "dist").glob("*.tar.gz"))
    print(f"{wheel.name}: {inside(wheel)}", flush=True)
    plan = [(minor, wheel) for minor in MINORS]
    plan += [(sys.version_info[1], sdist) for sdist in sdists]
    counts = dict.fromkeys(("passed", "failed", "not run"), 0)
    for minor, package in plan:
        python = interpreter(minor)
        if python is None:
            verdict, note = "not run", "no such Python found"
        else:
            try:
                verdict, note = "passed", smoke(python, package)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                verdict, note = "failed", str(error)
        counts[verdict] += 1
        print(f"Python 3.{minor}  {package.name}  {verdict}: {note}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
