"""Runs a command beside busy processes: a test that waits for seconds, not for an event, fails.

python tests/tools/busy.py [--processes N] [--rounds N] command ...
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: Ends with its standard input, should this process be killed.
SPIN = """
import os, sys, threading
def ends():
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=ends, daemon=True).start()
while True:
    pass
"""


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that take all they are given, until the block is left."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.extend(
            subprocess.Popen([sys.executable, "-c", SPIN], stdin=subprocess.PIPE)
            for _ in range(count)
        )
        yield
        ended = [process for process in started if process.poll() is not None]
        if ended:
            raise RuntimeError(f"{len(ended)} of {count} busy processes ended early")
    finally:
        for process in started:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()


def main() -> int:
    """The first exit status that is not 0, or 0 after all rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("a command is needed")
    with busy(arguments.processes):
        for number in range(1, arguments.rounds + 1):
            print(f"round {number} of {arguments.rounds}", flush=True)
            status = subprocess.call(arguments.command)
            if status:
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
