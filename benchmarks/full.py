"""The whole benchmark: every client, the floor of the machine, both digests, a package.

    python -m benchmarks.full [--only export-1] [--json FILE] [--tables FILE] [--svg FILE]

That is `make bench`, of at most a quarter of an hour. It never judges a time. It fails when a byte
is wrong or a client that could run did not.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from .drawing import DRAWN, draw
from .measure import ClientFailedError
from .report import FULL, better, disturbed, heading, least, ratios, table
from .rounds import Results, play, ready, staged, summary, write
from .scenarios import MIB, Scenario, WrongBytesError, all_scenarios
from .server import build_peers
from .variants import variants
from .whole import packages

#: So many by default; with fewer it is a try.
ROUNDS = 5


def main() -> int:
    """Runs the command line."""
    names = [scenario.name for scenario in all_scenarios(MIB, MIB)]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there as well")
    parser.add_argument("--tables", type=Path, metavar="FILE", help="write the tables there too")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw one disk, both ways, there")
    parser.add_argument("--only", choices=names, action="append", help="this table alone")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--disk-mib", type=int, default=1024, help="the one disk")
    parser.add_argument("--small-disk-mib", type=int, default=256, help="each of the four")
    parser.add_argument("--budget", type=float, default=870.0, help="seconds for all rounds")
    args = parser.parse_args()
    if args.svg and args.only and not set(DRAWN) <= set(args.only):
        parser.error(f"--svg draws {' and '.join(DRAWN)}")
    try:
        return _measure(args)
    except (WrongBytesError, ClientFailedError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1


def _measure(args: argparse.Namespace) -> int:
    programs, begin = build_peers(), time.monotonic()
    everyone = {variant.name: variant for variant in variants(programs)}
    titles = {name: variant.title for name, variant in everyone.items()}
    plan = [
        scenario
        for scenario in all_scenarios(args.disk_mib * MIB, args.small_disk_mib * MIB)
        if not args.only or scenario.name in args.only
    ]
    wanted = {name for scenario in plan for name in scenario.variants}
    clients = ready({name: each for name, each in everyone.items() if name in wanted})
    sizes = (args.disk_mib, args.small_disk_mib)
    with ExitStack() as stack:
        stages, folder, storage = stack.enter_context(staged(programs, everyone["go"], *sizes))
        for scenario in plan:
            if scenario.verb == "package":
                vm = packages(folder, programs / "govc", scenario.disks, scenario.size)
                stages["package"] = stack.enter_context(vm)
        costs, rounds = play(stages, plan, clients, args.rounds, begin + args.budget)
    results, seconds = summary(plan, costs), time.monotonic() - begin
    lines = [
        heading(),
        f"{rounds} round(s) on {storage} in {seconds:.0f} s, every digest right",
        *_told(plan, results, titles),
    ]
    if rounds < args.rounds:
        lines.append(f"\nOnly {rounds} of {args.rounds} rounds found room in {args.budget:.0f} s.")
    print("\n".join(lines))
    if args.tables:
        args.tables.write_text("\n".join(lines) + "\n")
    if args.json:
        shown = {"rounds": rounds, "storage": storage, "json": None, "svg": None, "tables": None}
        write(args.json, results, costs, {**vars(args), **shown})
    if args.svg:
        args.svg.write_text(draw(results, titles, rounds))
    return 0


def _told(plan: list[Scenario], results: Results, titles: dict[str, str]) -> Iterator[str]:
    for scenario in plan:
        rows = results[scenario.name]
        yield ""
        yield from table(scenario, rows, titles)
        yield from least(rows)
        yield from better(scenario, rows, titles)
    yield ""
    yield from ratios(tuple(aim for aim in FULL if aim.scenario in results), results, titles)
    if rows_disturbed := disturbed(results):
        yield f"\nOther processes were busy, run again: {', '.join(rows_disturbed)}"


if __name__ == "__main__":
    sys.exit(main())
