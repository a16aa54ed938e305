"""From the arguments to the exit code; whatever happens, no traceback but with ``--debug``."""

from __future__ import annotations

from nfclease.cli import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: The arguments; those of the process if None.

    Returns:
        The exit code: 0, 1 for a failure, 2 for wrong usage, 3 where something is not what it
        should be by its sum or size, and 130, 143 or 129 after Ctrl-C, SIGTERM or SIGHUP.
    """
    args: argparse.Namespace | None = None
    with signals.raised(to_the_end=argv is None):
        try:
            from nfclease.cli import console
            from nfclease.cli.parser import parser

            if argv is None:
                console.show_warnings()
            try:
                args = parser().parse_args(argv)
                with console.Console(args) as shown:
                    code: int = args.run(args, shown)
            except SystemExit as end:  # argparse: after --help, or a wrong option
                code = end.code if isinstance(end.code, int) else 1
            console.flush()
            return code
        except BaseException as error:
            from nfclease.cli import failure

            return failure.report(error, args)
