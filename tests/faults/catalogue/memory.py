"""F10: the readers of foreign bytes under valgrind, as `make memcheck` found them."""

from __future__ import annotations

import json
import shutil

from ...tools import memcheck
from ..harness.case import case
from ..harness.world import World


def needs_report() -> str:
    """Why nothing is known of memory here; empty where `make memcheck` has looked at all of it."""
    if not memcheck.REPORT.exists():
        missing = "" if shutil.which("valgrind") else "no valgrind, and "
        return f"{missing}`make memcheck`, which takes a quarter of an hour, was not run"
    report = json.loads(memcheck.REPORT.read_text())
    if report["sources"] != memcheck.digest_of_sources():
        return "`make memcheck`, which takes a quarter of an hour, was run on other sources"
    left = set(memcheck.ROOMS) - report["found"].keys()
    return f"`make memcheck` was not run for {', '.join(sorted(left))}" if left else ""


@case(
    "F10",
    "the Rust tests of the readers of foreign bytes under valgrind, as `make memcheck` found them",
    "on these very sources no byte is read that was not set, and none that is not there",
    faces=("blocking",),
    needs=needs_report,
)
def memory(world: World) -> None:
    found: dict[str, str] = json.loads(memcheck.REPORT.read_text())["found"]
    for room, wrong in found.items():
        world.expect(not wrong, f"valgrind finds nothing in {room}: {wrong[-1000:]}")
