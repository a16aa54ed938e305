"""``nfclease simulator``: what ``python -m nfclease.simulator`` does."""

from __future__ import annotations

import argparse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nfclease.cli.console import Console

HELP = "run a vSphere that leases, to try things on"
EPILOG = "example:\n  nfclease simulator --disks 2"


def add(parser: argparse.ArgumentParser) -> None:
    """All that follows goes to the simulator."""
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="see its own --help")


def run(args: argparse.Namespace, console: Console) -> int:
    """Serves until standard input ends."""
    import subprocess
    import sys

    command = [sys.executable, "-m", "nfclease.simulator", *args.rest]
    return subprocess.run(command).returncode
