"""``nfclease fleet``."""

from __future__ import annotations

import argparse

from nfclease.cli.arguments import add_output
from nfclease.cli.many.options import TOLD, add_many

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from nfclease.cli.console import Console

HELP = "say how far a run of many VMs is, from its journal"
EPILOG = """\
status lists each job of the journal and its state: planned, running, done,
skipped, failed, cancelled, or interrupted where its driver died. A run that
goes on is not disturbed. No server is asked. --quiet: no count at the end.

example:
  nfclease fleet status nightly.db
"""

#: In the order in which people look for them.
_STATES = ("running", "planned", "interrupted", "failed", "cancelled", "skipped", "done")


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("action", metavar="status", choices=("status",), help="what to do")
    parser.add_argument("journal", metavar="JOURNAL", help="the file of the journal")
    parser.add_argument(
        "--state", choices=_STATES, metavar="STATE", help="list the jobs in this one alone"
    )
    add_output(parser)


def told() -> argparse.ArgumentParser:
    """The options of ``export`` that are told here: the help of that command is full."""
    made = argparse.ArgumentParser()
    add_many(made, TOLD)
    return made


def run(args: argparse.Namespace, console: Console) -> int:
    """Reads the journal."""
    from dataclasses import asdict

    from nfclease.fleet import read_status
    from nfclease.fleet.status import read_driver

    driver = read_driver(args.journal)
    jobs = list(read_status(args.journal))
    counts = {state: sum(job["state"] == state for job in jobs) for state in _STATES}
    shown = [job for job in jobs if args.state in (None, job["state"])]
    shown.sort(key=lambda job: (_STATES.index(job["state"]), job["vm"], job["key"]))
    if console.json:
        for job in shown:
            console.row({"type": "job", **job}, "")
    else:
        for line in _table(shown):
            console.row({}, line)
    summary = {
        "type": "summary",
        "command": "fleet",
        "journal": args.journal,
        "jobs": len(jobs),
        **counts,
        "bytes": sum(job["bytes"] for job in jobs),
        "driver": None if driver is None else asdict(driver),
    }
    console.done(summary, _sentence(summary, driver))
    return 0


def _table(jobs: Sequence[dict[str, Any]]) -> list[str]:
    from nfclease._text import escaped
    from nfclease.cli.tables import size, table, terminal_width

    rows = [
        (
            job["state"],
            escaped(job["vm"]),
            escaped(job["host"]),
            size(job["bytes"] or None),
            str(job["attempts"] or ""),
            escaped(job["target"], 1000),
            " ".join(filter(None, (job["verdict"] and f"{job['verdict']}:", job["reason"]))),
        )
        for job in jobs
    ]
    names = ("state", "vm", "host", "size", "attempts", "target", "reason")
    return table(names, rows, terminal_width(), ("size", "attempts"))


def _sentence(summary: dict[str, Any], driver: object) -> str:
    """How many are in which state, and who is at work on them."""
    from nfclease.cli.tables import size

    counted = ", ".join(f"{summary[state]} {state}" for state in _STATES if summary[state])
    jobs = f"{summary['jobs']} job{'' if summary['jobs'] == 1 else 's'}"
    parts = [f"{jobs}: {counted}" if counted else jobs, f"{size(summary['bytes'])} moved"]
    parts.append("no driver runs" if driver is None else f"driver: {driver}")
    return "; ".join(parts)
