"""``nfclease completion``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console

HELP = "print the completion of a shell"
EPILOG = "example:\n  source <(nfclease completion bash)"


def add(parser: argparse.ArgumentParser) -> None:
    """The shell."""
    parser.add_argument("shell", choices=("bash", "zsh"))


def run(args: argparse.Namespace, console: Console) -> int:
    """Not there yet."""
    from nfclease.cli.failure import UsageError

    raise UsageError("this command is not there yet")
