"""The quick benchmark: one disk and four, both ways, every digest checked, within two minutes.

    python -m benchmarks.quick [--json FILE]

It never judges a time. It fails when a byte is wrong or a client that could run did not.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .measure import ClientFailedError, Cost
from .report import Row, disturbed, document, ratios, summarise, table
from .scenarios import MIB, Stage, WrongBytesError, scenarios
from .server import build_peers, serve
from .variants import variants

SHARED_MEMORY = Path("/dev/shm")
Costs = dict[tuple[str, str], list[Cost]]


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
    args = parser.parse_args()
    programs = build_peers()
    needed = (args.disk_mib + 4 * args.small_disk_mib + 512) * MIB
    roomy = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > needed
    with tempfile.TemporaryDirectory(
        prefix="nfclease-bench-", dir=SHARED_MEMORY if roomy else None
    ) as folder:
        try:
            return _measure(args, programs, Path(folder), "tmpfs" if roomy else "disk")
        except (WrongBytesError, ClientFailedError) as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1


def _measure(args: argparse.Namespace, programs: Path, folder: Path, storage: str) -> int:
    begin = time.monotonic()
    everyone = {variant.name: variant for variant in variants(programs)}
    titles = {name: variant.title for name, variant in everyone.items()}
    ready = dict(everyone)
    for name, variant in everyone.items():
        if reason := variant.missing():
            print(f"{variant.title}: not run ({reason})")
            del ready[name]
    plan = [
        scenario
        for scenario in scenarios(args.disk_mib * MIB, args.small_disk_mib * MIB)
        if args.only in scenario.name
    ]
    costs: Costs = defaultdict(list)
    largest = max(args.disk_mib, args.small_disk_mib) * MIB
    with serve(programs, folder, chunked=args.chunked, largest=largest) as server:
        stage = Stage(server, folder, everyone["go"])
        rounds, estimate = 0, 0.0
        # A round that would end too late is not begun: fewer rounds, the same work in each.
        while rounds < args.rounds and time.monotonic() - begin + estimate < args.budget:
            estimate = 0.0
            for scenario in plan:
                for name in scenario.variants:
                    if name not in ready or (rounds and name in scenario.once):
                        continue
                    started = time.monotonic()
                    cost = stage.play(scenario, ready[name])
                    costs[scenario.name, name].append(cost)
                    if name not in scenario.once:
                        estimate += time.monotonic() - started
            rounds += 1
    results: dict[str, dict[str, Row]] = {}
    for scenario in plan:
        results[scenario.name] = {
            name: summarise(scenario.total_for(name), costs[scenario.name, name])
            for name in scenario.variants
            if (scenario.name, name) in costs
        }
        print("\n" + "\n".join(table(scenario, results[scenario.name], titles)))
    print("\n" + "\n".join(ratios(results, titles)))
    if rows := disturbed(results):
        print(f"\nOther processes were busy, run again: {', '.join(rows)}")
    seconds = time.monotonic() - begin
    print(f"\n{rounds} round(s) on {storage} in {seconds:.0f} s, every digest right")
    if args.json:
        settings = {**vars(args), "json": None, "rounds": rounds, "storage": storage}
        runs: list[dict[str, Any]] = [
            {"scenario": scenario, "client": name, "round": i, **asdict(cost)}
            for (scenario, name), group in costs.items()
            for i, cost in enumerate(group)
        ]
        args.json.write_text(json.dumps(document(results, runs, settings), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
