"""What is said of an export of many VMs, while it runs and at its end."""

from __future__ import annotations

from nfclease._text import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from nfclease.cli.console import Console
    from nfclease.fleet import Event, Outcome, Summary

#: In the order in which people look for them.
_STATES = ("done", "skipped", "failed", "cancelled")


def progress_of(console: Console) -> Callable[[Event], object] | bool | None:
    """What ``progress=`` of a run gets: rows with ``--json``, else what a person looks at."""

    def row(event: Event) -> None:
        console.row({"type": "event", **event.to_dict()}, "")

    if console.json:
        return row
    if console.progress is True:
        return True
    if console.progress is None:
        return None
    from nfclease.fleet import Lines  # without rich

    return Lines()


def say_summary(summary: Summary, console: Console) -> int:
    """Each failure on standard error, then a line with the counts.

    Returns:
        The exit code.
    """
    from nfclease.cli.moved import rate_of
    from nfclease.cli.tables import size

    for each in summary.failed:
        console.error(f"{escaped(each.vm)}: {_why(each)}")
    counts = {state: len(getattr(summary, state)) for state in _STATES}
    rate = rate_of(summary.bytes, summary.seconds)
    row = {
        "type": "summary",
        "command": "export",
        "jobs": len(summary.outcomes),
        **counts,
        "bytes": summary.bytes,
        "seconds": round(summary.seconds, 3),
        "rate": round(rate),
        "failures": [_failure(each) for each in summary.failed],
    }
    number = "1 VM" if len(summary.outcomes) == 1 else f"{len(summary.outcomes)} VMs"
    states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    moved = f"{size(summary.bytes)} in {summary.seconds:.1f} s ({rate / 1e6:.1f} MB/s)"
    console.done(row, f"{number}: {states}; {moved}")
    return _code(summary)


def _why(outcome: Outcome) -> str:
    failure = outcome.failure
    return "unknown" if failure is None else f"{failure.verdict}: {failure.reason}"


def _failure(outcome: Outcome) -> dict[str, Any]:
    failure = outcome.failure
    return {
        "vm": outcome.vm,
        "target": outcome.target,
        "attempts": outcome.attempts,
        "verdict": None if failure is None else failure.verdict,
        "reason": None if failure is None else failure.reason,
        "error": None if failure is None else failure.error,
        "task": None if failure is None else failure.task or None,
        "phase": None if failure is None else failure.phase or None,
        "host": None if failure is None else failure.host or None,
        "file": None if failure is None else failure.file or None,
        "bytes_done": 0 if failure is None else failure.bytes_done,
        "lease_outcome": None if failure is None else failure.lease_outcome or None,
        "files_left": [] if failure is None else [*failure.files_left],
    }


def _code(summary: Summary) -> int:
    """As of one VM: 3 if only sums or sizes are wrong."""
    from nfclease import exceptions
    from nfclease.cli.failure import FAILED, NOT_VERIFIED

    if not summary.failed:
        return 0
    kinds = [
        getattr(exceptions, each.failure.error, None) for each in summary.failed if each.failure
    ]
    is_wrong = all(
        isinstance(kind, type) and issubclass(kind, exceptions.IntegrityError) for kind in kinds
    )
    return NOT_VERIFIED if is_wrong else FAILED
