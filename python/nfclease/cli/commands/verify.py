"""``nfclease verify``."""

from __future__ import annotations

from nfclease.cli.arguments import add_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console

HELP = "say whether a package is whole: each file, size and sum"
EPILOG = "example:\n  nfclease verify demo-vm.ova"


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("package", metavar="PACKAGE", help=".ova, .ovf, directory or https URL")
    add_output(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Reads all of it."""
    from nfclease import verify
    from nfclease.cli.failure import NOT_VERIFIED

    result = verify(args.package)
    for problem in result.problems:
        console.row({"problem": problem}, problem)
    console.done({"ok": result.ok, "files": len(result.files)}, "whole" if result else "not whole")
    return 0 if result else NOT_VERIFIED
