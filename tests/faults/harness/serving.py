"""The process of a worker: it reads which run is wanted, and writes how that ended."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from .case import Case
from .runner import Runner


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those with which ``worker.Worker`` starts it."""
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help="of the chance in the cases")


def serve(given: argparse.Namespace, catalogue: Mapping[str, Case]) -> int:
    """Runs what is asked for until nobody asks any more."""
    wishes, answers = _own_streams()
    runner = Runner(given.seed, given.worker, given.inside)
    try:
        for wish in wishes:
            id, face, variant = json.loads(wish)
            result = runner.run(catalogue[id], face, variant)
            answers.write(json.dumps(result.to_dict()) + "\n")
            answers.flush()
    finally:
        runner.close()
    return 0


def _own_streams() -> tuple[TextIO, TextIO]:
    """Input and output, which no case and no child of it reads or writes any more."""
    streams = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return streams
