"""What the product is made of: no version with a known hole, and `unsafe` in one crate alone."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from ..tools import audit

ROOT = Path(__file__).parents[2]

#: The first versions without the holes that RustSec lists, and what the hole was. A crate of
#: several lines has the first good version of each.
FLOORS: dict[str, tuple[tuple[str, ...], str]] = {
    "quick-xml": (("0.41.0",), "RUSTSEC-2026-0194"),
    "pyo3": (("0.29.0",), "RUSTSEC-2026-0176"),
    "rustls-webpki": (("0.103.13",), "RUSTSEC-2026-0104"),
    "aws-lc-sys": (("0.39.0",), "RUSTSEC-2026-0044"),
    "ring": (("0.17.12",), "RUSTSEC-2025-0009"),
    "h2": (("0.4.16",), "RUSTSEC-2026-0258"),
    "bytes": (("1.11.1",), "RUSTSEC-2026-0007"),
    "tar": (("0.4.45",), "RUSTSEC-2026-0068"),
    "astral-tokio-tar": (("0.6.2",), "RUSTSEC-2026-0145"),
    "tokio": (("1.44.2",), "RUSTSEC-2025-0023"),
    "rand": (("0.8.6", "0.9.3", "0.10.1"), "RUSTSEC-2026-0097"),
    "tracing-subscriber": (("0.3.20",), "RUSTSEC-2025-0055"),
    "slab": (("0.4.11",), "RUSTSEC-2025-0047"),
    "crossbeam-channel": (("0.5.15",), "RUSTSEC-2025-0024"),
    "lru": (("0.18.2",), "RUSTSEC-2026-0253"),
    "time": (("0.3.47",), "RUSTSEC-2026-0009"),
    "idna": (("1.0.0",), "RUSTSEC-2024-0421"),
}
#: What must not be there at all.
BANNED = {"tokio-tar", "rustls-pemfile", "openssl-sys", "native-tls"}
LOCKS = ["Cargo.lock", "tests/fuzz/Cargo.lock", "tests/judges/Cargo.lock"]


def locked(text: str) -> list[tuple[str, str]]:
    """Names and versions of a Cargo.lock."""
    return re.findall(r'^name = "(.+)"\nversion = "(.+)"$', text, re.MULTILINE)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.split(r"[-+]", version)[0].split("."))


def line_of(version: str) -> tuple[int, ...]:
    """What Cargo takes for one line of versions: the first number that is not zero decides."""
    parts = numbers(version)
    return parts[:1] if parts[0] else parts[:2]


def too_old(packages: list[tuple[str, str]]) -> list[str]:
    found = []
    for name, version in packages:
        floors, hole = FLOORS.get(name, ((), ""))
        same = [floor for floor in floors if line_of(floor) == line_of(version)]
        if floors and numbers(version) < numbers((same or list(floors[-1:]))[0]):
            found.append(f"{name} {version}: {hole}")
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_no_version_has_a_hole_that_is_known(lock: str) -> None:
    packages = locked((ROOT / lock).read_text())
    assert len(packages) > 20
    assert too_old(packages) == []
    if lock == "Cargo.lock":
        assert not {name for name, _ in packages} & BANNED
        assert {"quick-xml", "pyo3", "rustls-webpki", "ring", "bytes", "tar"} <= dict(
            packages
        ).keys()


def test_an_old_version_is_found() -> None:
    old = [("quick-xml", "0.40.9"), ("rand", "0.9.2"), ("rand", "0.7.3"), ("tokio", "1.9.0")]
    good = [("quick-xml", "0.42.0"), ("rand", "0.9.3"), ("tokio", "1.54.1"), ("idna", "1.1.0")]
    assert len(too_old([*old, *good])) == len(old)


def rust_files() -> list[Path]:
    return [path for path in (ROOT / "src").rglob("*.rs") if "target" not in path.parts]


def unsafe_in(text: str) -> int:
    """How often code begins so; a text or a comment may speak of it."""
    code = re.sub(r"//.*", "", text)
    return len(re.findall(r"\bunsafe\s*(?:\{|fn\b|impl\b|trait\b|extern\b|\()", code))


def test_unsafe_is_in_one_crate_alone() -> None:
    found = [path for path in rust_files() if unsafe_in(path.read_text())]
    assert {path.relative_to(ROOT / "src").parts[0] for path in found} == {"sha"}
    blocks = [re.findall(r"unsafe \{", path.read_text()) for path in found]
    assert sum(map(len, blocks)) == 2, "two blocks, as CONTRIBUTING says"
    assert unsafe_in('// unsafe {\nlet x = "unsafe file"; unsafe { x() }') == 1


@pytest.mark.parametrize("manifest", ["Cargo.toml", "src/python/Cargo.toml"])
def test_the_compiler_forbids_it_elsewhere(manifest: str) -> None:
    assert re.search(r"^\[lints\]\nworkspace = true", (ROOT / manifest).read_text(), re.MULTILINE)
    workspace = (ROOT / "Cargo.toml").read_text()
    assert 'unsafe_code = "forbid"' in workspace.partition("[workspace.lints.rust]")[2]


def test_what_an_audit_could_not_look_at_is_not_clean() -> None:
    """A package that nothing is known of, data out of reach, and a hole."""
    skipped = {"name": "a", "skip_reason": "not found"}
    hole = {"name": "b", "version": "1", "vulns": [{"id": "PYSEC-1"}]}
    good = {"name": "c", "version": "1", "vulns": []}

    def said(*packages: object) -> str:
        return "WARNING\n" + json.dumps({"dependencies": packages, "fixes": []})

    assert audit.python_judged(0, said(good)) == ("clean", "")
    assert audit.python_judged(0, said(good, skipped))[0] == "not run"
    assert audit.python_judged(1, said(good, skipped, hole)) == ("found", "b 1")
    assert audit.python_judged(1, "ConnectionError")[0] == "not run"
    assert audit.judged(1, "failed to get FETCH_HEAD", fetches=True)[0] == "not run"
    assert audit.judged(1, "error[vulnerability]: ...", fetches=True)[0] == "found"


@pytest.mark.skipif(sys.platform == "win32", reason="not run: no sleep")
def test_a_tool_that_never_answers_is_not_run() -> None:
    code, said = audit.run("sleep", "60", seconds=0.2)
    assert audit.judged(code, said, fetches=True)[0] == "not run"
