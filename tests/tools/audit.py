"""``make audit``: known holes, licences and origins of what the product and its tools are made of.

0: all was run, and nothing found. 1: something was found. 2: something could not be run, and is
named; nothing was found besides.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Where ``deny.toml`` has the advisories, under the name that cargo-deny gives them.
DATABASE = ROOT / "target" / "advisory-dbs" / "advisory-db-3157b0e258782691"
#: Seconds for one tool; one that has no network may wait for it for ever.
DEADLINE = 300
_NO_END = "no answer in time"
#: What a tool says that could not reach its data, and not that it found something.
_UNREACHABLE = (
    "failed to fetch",
    "FETCH_HEAD",
    "advisory-dbs",
    "could not resolve",
    "couldn't fetch",
    _NO_END,
)

Outcome = tuple[str, str]


def run(*command: str | Path, seconds: float = DEADLINE) -> tuple[int, str]:
    """The exit code and all that was said."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return -1, _NO_END
    return done.returncode, done.stdout + done.stderr


def judged(code: int, said: str, *, fetches: bool = False) -> Outcome:
    """``clean``, ``found`` or ``not run``, and why."""
    if code == 0:
        return "clean", ""
    if fetches and any(each.lower() in said.lower() for each in _UNREACHABLE):
        return "not run", f"the advisories cannot be reached: {said.strip().splitlines()[-1][:200]}"
    return "found", said.strip()[-4000:]


def copied(advisories: Path) -> None:
    """Puts a clone of RustSec's advisory-db where both tools look for it."""
    shutil.rmtree(DATABASE, ignore_errors=True)
    DATABASE.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "clone", "--quiet", advisories, DATABASE], check=True)
    (DATABASE / ".git" / "FETCH_HEAD").touch()


def denied(tools: Path, what: str, offline: bool) -> Outcome:
    """One check of cargo-deny."""
    tool = tools / "cargo-deny"
    if not tool.exists():
        return "not run", "cargo-deny is not installed"
    command: list[str | Path] = [tool, *(["--offline"] if offline else []), "check", what]
    return judged(*run(*command), fetches=what == "advisories")


def audited(tools: Path, offline: bool) -> Outcome:
    """cargo-audit, which reads Cargo.lock alone."""
    tool = tools / "cargo-audit"
    if not tool.exists():
        return "not run", "cargo-audit is not installed"
    kept: list[str | Path] = ["--no-fetch", "--db", DATABASE] if offline else []
    return judged(*run(tool, "audit", *kept), fetches=True)


def python_audited() -> Outcome:
    """pip-audit over the pinned tools of pyproject.toml, pyvmomi among them."""
    command = [sys.executable, "-m", "pip_audit"]
    if run(*command, "--version")[0]:
        return "not run", "pip-audit is not installed"
    pinned = re.findall(r'"([\w.-]+)(?:\[\w+\])?==([\w.]+)', (ROOT / "pyproject.toml").read_text())
    wanted = [f"{name}=={version}" for name, version in dict(pinned).items()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "requirements.txt")
        path.write_text("\n".join(wanted))
        options = ["--no-deps", "--disable-pip", "--format", "json", "-r", str(path)]
        code, said = run(*command, *options)
    return python_judged(code, said)


def python_judged(code: int, said: str) -> Outcome:
    """What pip-audit says: a package that it knows nothing of was not looked at."""
    start = said.find('{"dependencies"')
    if start < 0:
        return "not run", f"its data cannot be reached: {said.strip()[-200:]}"
    told, _ = json.JSONDecoder().raw_decode(said[start:])
    known = told["dependencies"]
    bad = [f"{each['name']} {each['version']}" for each in known if each.get("vulns")]
    if bad:
        return "found", ", ".join(bad)
    skipped = [each["name"] for each in known if "skip_reason" in each]
    if skipped or code:
        return "not run", f"nothing is known of {len(skipped)} of {len(known)} packages"
    return "clean", ""


def main() -> int:
    """Prints a line for each check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", type=Path, required=True, help="where cargo-deny is")
    given = parser.parse_args()
    offline = os.environ.get("ADVISORY_DB")
    if offline:
        copied(Path(offline).resolve())
    checks = {
        f"cargo deny {what}": denied(given.tools, what, bool(offline))
        for what in ("licenses", "bans", "sources", "advisories")
    }
    checks["cargo audit"] = audited(given.tools, bool(offline))
    checks["pip-audit"] = python_audited()
    for name, (verdict, why) in checks.items():
        print(f"{name:24} {verdict}{': ' if why else ''}{why}")
    verdicts = {verdict for verdict, _ in checks.values()}
    return 1 if "found" in verdicts else 2 if "not run" in verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
