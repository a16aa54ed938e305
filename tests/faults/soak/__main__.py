"""``python -m tests.faults.soak``: leases for some minutes under faults, and a verdict."""

from __future__ import annotations

import argparse
import sys
import time

from .starting import watched
from .verdict import missed


def main() -> int:
    """0 where every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--leases", type=int, default=64, help="at once")
    parser.add_argument("--seed", type=int, default=1, help="of the faults")
    given = parser.parse_args()
    with watched(given.leases, given.seed) as watch:
        seen = watch.for_minutes(given.minutes)
    ends = ", ".join(f"{how} {often}" for how, often in seen.ends.items())
    print(f"ends: {ends}")
    print(
        f"{seen.renewed} Progress, the latest {seen.late:.2f} s late; "
        f"at most {seen.peak / 2**20:.0f} MiB, grown by {seen.growth / 2**20:.1f} in the last third"
    )
    found = missed(seen)
    print("\n".join(found or ["every promise was kept"]))
    return 1 if found else 0


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(code)
