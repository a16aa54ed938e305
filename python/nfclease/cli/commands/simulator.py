"""``nfclease simulator``: what ``python -m nfclease.simulator`` does."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from nfclease.cli.console import Console

HELP = "run a vSphere that leases, to try things on"
EPILOG = """\
Prints one line of JSON when it is ready: address, password, certificates.
Serves until standard input ends or a signal comes; it keeps nothing.

example:
  nfclease simulator --disks 2 --disk-size 64m
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The simulator's own options."""
    _simulator().add_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Serves until standard input ends."""
    from nfclease.cli.failure import UsageError

    simulator = _simulator()
    try:
        simulator.run(args)
    except ModuleNotFoundError as error:
        raise UsageError(simulator.missing(error)) from None
    except (OverflowError, ValueError) as error:  # a malformed version, a port that is too large
        raise UsageError(str(error)) from None
    return 0


def _simulator() -> Any:
    """By its name, as a person runs it: nothing of the product is built on the simulator."""
    return import_module("nfclease.simulator.cli")
