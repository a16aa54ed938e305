"""Run as a module: a worker whose cases end it, or say things."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time

from . import serving
from .case import Case
from .trial import broken
from .world import World

_FACES = ("blocking",)


def dies(world: World) -> None:
    """Ends its process, and leaves a child that has all that it had open."""
    if not os.fork():
        time.sleep(600)
    print("its last words", file=sys.stderr, flush=True)
    os.abort()


def hangs(world: World) -> None:
    """Does not go on, and takes no signal but the last."""
    os.kill(os.getpid(), signal.SIGSTOP)


def talks(world: World) -> None:
    """Reads the input, and writes to the output."""
    print("words", flush=True)
    subprocess.run(["sh", "-c", "cat; echo words"], check=True)
    broken(world)


CASES = {
    case.id: case
    for case in (
        Case("H90", "it ends its process", "", dies, _FACES),
        Case("H91", "it never ends", "", hangs, _FACES, deadline=1.0),
        Case("H92", "it talks", "", talks, _FACES),
        Case("H93", "it is as it should be", "", broken, ("blocking", "asyncio"), alone=True),
    )
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    serving.add_arguments(parser)
    sys.exit(serving.serve(parser.parse_args(), CASES))
