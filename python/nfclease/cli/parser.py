"""The parser of the whole command; what a run needs is not imported here."""

from __future__ import annotations

import argparse
import re
import sys
from importlib import import_module

from nfclease._text import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

#: What stands after ``nfclease``, in the order of its help, and the module of each.
COMMANDS = {
    "export": "export",
    "import": "importing",
    "copy": "copying",
    "verify": "verify",
    "inspect": "inspect",
    "map": "map",
    "convert": "convert",
    "normalise": "normalise",
    "ls": "ls",
    "leases": "leases",
    "release": "release",
    "fleet": "fleet",
    "simulator": "simulator",
    "completion": "completion",
}

_DESCRIPTION = "Exports and imports VMs over a vSphere HttpNfcLease, verified and fast."
_EPILOG = """\
exit codes: 0 done, 1 failed, 2 wrong usage, 3 not verified, 128 + signal

example:
  nfclease export demo-vm -o demo-vm.ova
"""


class Parser(argparse.ArgumentParser):
    """Without abbreviations, which a later option could make ambiguous."""

    #: Has options of other commands that its help tells in full.
    told: argparse.ArgumentParser | None = None

    def __init__(self, **given: Any) -> None:
        given.setdefault("allow_abbrev", False)
        super().__init__(**given)

    def format_help(self) -> str:
        """One screen."""
        from nfclease.cli.help import screen

        return screen(self, self.told)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does it, but that the command says what it does not know."""
        known, rest = self.parse_known_args(args, namespace)
        if rest:
            asked: Parser = getattr(known, "asked", self)
            asked.error(f"unrecognized arguments: {' '.join(rest)}")
        return known

    def error(self, message: str) -> NoReturn:
        """Says what is wrong in two lines, and ends with 2."""
        text = escaped(re.sub(r"(?<=:)[^\s/]+@", "...@", message))  # a URL may hold a password
        print(f"{self.prog}: {text}\nsee {self.prog} --help", file=sys.stderr)
        raise SystemExit(2)


class _Everything(Parser):
    """Of ``nfclease`` itself; its help has what the commands share, too."""

    def format_help(self) -> str:
        from nfclease.cli.arguments import add_connection, add_output
        from nfclease.cli.help import screen

        shared = Parser()
        add_output(shared)
        add_connection(shared)
        return screen(self, shared)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from nfclease import __version__

        print(f"nfclease {__version__}")
        parser.exit()


def parser() -> Parser:
    """The parser; each command's namespace has its module's ``run``, its parser and this one."""
    made = _Everything(prog="nfclease", description=_DESCRIPTION, epilog=_EPILOG)
    made.add_argument("--version", nargs=0, action=_Version, help="print the version and exit")
    commands = made.add_subparsers(
        metavar="COMMAND", dest="command", required=True, parser_class=Parser
    )
    for name, module_name in COMMANDS.items():
        module = import_module(f"nfclease.cli.commands.{module_name}")
        sub = commands.add_parser(
            name, help=module.HELP, description=module.HELP, epilog=module.EPILOG
        )
        module.add(sub)
        sub.told = module.told() if hasattr(module, "told") else None
        sub.set_defaults(run=module.run, asked=sub, whole=made)
    return made
