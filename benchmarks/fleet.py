"""Many VMs at once, by ``nfclease.fleet.run``: ten simulators as hosts, whose streams are limited.

    python -m benchmarks.fleet [--only ROW] [--json FILE] [--tables FILE]    # or: make bench-fleet

Each run is a process of its own. It never judges a time. It fails when a byte is wrong or a
client did not export all.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from .fleet_rows import ROWS, Row, Settings
from .fleet_stage import staged
from .measure import ClientFailedError
from .report import heading, where_and_when
from .rounds import SHARED_MEMORY
from .scenarios import MIB, WrongBytesError

HOSTS = 10
#: Bytes of what lies there at once.
_ROOM = 2560 * MIB


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there too")
    parser.add_argument("--tables", type=Path, metavar="FILE", help="write the tables there too")
    parser.add_argument("--only", choices=ROWS, action="append", help="this row alone")
    parser.add_argument("--jobs", type=int, default=5000, help="of the row with many small ones")
    parser.add_argument("--hosts", type=int, default=HOSTS, help="fewer for a try")
    args = parser.parse_args()
    try:
        rows, seconds, storage = _measure(args.only or list(ROWS), Settings(args.jobs), args.hosts)
    except (WrongBytesError, ClientFailedError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    lines = [heading(), f"on {storage}, in {seconds:.0f} s, every digest right", *_told(rows)]
    print("\n".join(lines))
    if args.tables:
        args.tables.write_text("\n".join(lines) + "\n")
    if args.json:
        settings = {"jobs": args.jobs, "hosts": args.hosts, "storage": storage}
        made = {**where_and_when(), "settings": settings, "rows": [asdict(row) for row in rows]}
        args.json.write_text(json.dumps(made, indent=1) + "\n")
    return 0


def _measure(names: list[str], settings: Settings, hosts: int) -> tuple[list[Row], float, str]:
    begin = time.monotonic()
    roomy = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > _ROOM
    place, storage = (SHARED_MEMORY, "tmpfs") if roomy else (None, "disk")
    with (
        tempfile.TemporaryDirectory(prefix="nfclease-bench-", dir=place) as folder,
        staged(hosts, Path(folder)) as stage,
    ):
        rows = []
        for name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            rows += ROWS[name](stage, settings)
    return rows, time.monotonic() - begin, storage


def _told(rows: list[Row]) -> Iterator[str]:
    for row in rows:
        yield ""
        yield row.title
        yield from (f"    {figure.line()}" for figure in row.figures)
        yield from (f"    {remark}" for remark in row.remarks)


if __name__ == "__main__":
    sys.exit(main())
