"""The quick benchmark: one disk and four, both ways, every digest checked, within two minutes.

    python -m benchmarks.quick [--json FILE]

It never judges a time. It fails when a byte is wrong or a client that could run did not.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from .measure import ClientFailedError
from .report import QUICK, disturbed, ratios, table
from .rounds import play, ready, staged, summary, write
from .scenarios import MIB, WrongBytesError, scenarios
from .server import build_peers
from .variants import variants


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there as well")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--disk-mib", type=int, default=1024, help="the one disk")
    parser.add_argument("--small-disk-mib", type=int, default=256, help="each of the four")
    parser.add_argument("--only", metavar="TEXT", default="", help="scenarios whose name has TEXT")
    parser.add_argument("--chunked", action="store_true", help="serve disks without a length")
    parser.add_argument(
        "--budget", type=float, default=110.0, help="seconds within which a round must fit"
    )
    try:
        return _measure(parser.parse_args())
    except (WrongBytesError, ClientFailedError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1


def _measure(args: argparse.Namespace) -> int:
    programs, begin = build_peers(), time.monotonic()
    everyone = {variant.name: variant for variant in variants(programs)}
    titles = {name: variant.title for name, variant in everyone.items()}
    plan = [
        scenario
        for scenario in scenarios(args.disk_mib * MIB, args.small_disk_mib * MIB)
        if args.only in scenario.name
    ]
    wanted = {name for scenario in plan for name in scenario.variants}
    clients = ready({name: each for name, each in everyone.items() if name in wanted})
    sizes = (args.disk_mib, args.small_disk_mib)
    with staged(programs, everyone["go"], *sizes, chunked=args.chunked) as (stages, _, storage):
        costs, rounds = play(stages, plan, clients, args.rounds, begin + args.budget)
    results = summary(plan, costs)
    for scenario in plan:
        print("\n" + "\n".join(table(scenario, results[scenario.name], titles)))
    print("\n" + "\n".join(ratios(QUICK, results, titles)))
    if rows := disturbed(results):
        print(f"\nOther processes were busy, run again: {', '.join(rows)}")
    seconds = time.monotonic() - begin
    print(f"\n{rounds} round(s) on {storage} in {seconds:.0f} s, every digest right")
    if args.json:
        settings = {**vars(args), "json": None, "rounds": rounds, "storage": storage}
        write(args.json, results, costs, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
