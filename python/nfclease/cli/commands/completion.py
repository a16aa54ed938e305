"""``nfclease completion``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console

HELP = "print the completion script of a shell"
EPILOG = """\
Commands, options, their values and local files are completed; names in an
inventory are not, since each press of Tab would be a login. In ~/.bashrc the
line below; in ~/.zshrc, after compinit: source <(nfclease completion zsh)

example:
  source <(nfclease completion bash)
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The shell."""
    parser.add_argument("shell", choices=("bash", "zsh"), help="which one")


def run(args: argparse.Namespace, console: Console) -> int:
    """Prints it."""
    from nfclease.cli.completion import script

    for line in script(args.shell, args.whole).splitlines():
        console.row({}, line)
    return 0
