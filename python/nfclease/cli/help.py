"""Help that fits one screen: what a command has alone in full, what many have as a list."""

from __future__ import annotations

import argparse
import textwrap

from nfclease.cli import second
from nfclease.cli.many.options import TITLE, TOLD

#: Columns; wider ones are harder to read, and a terminal has at least these.
_WIDTH = 80
#: Groups of options that many commands have; ``nfclease --help`` says what each is for.
_SHARED = ("output", "connection", "packages at an https URL", second.TITLE, TITLE, TOLD)


class Formatter(argparse.RawDescriptionHelpFormatter):
    """With options and their help on one line."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=_WIDTH - 1)


def screen(parser: argparse.ArgumentParser, shared: argparse.ArgumentParser | None = None) -> str:
    """The help of a command.

    Args:
        parser: Of the command.
        shared: Has the options whose meaning is told here in full; of ``nfclease`` itself.
    """
    made = Formatter(parser.prog)
    made.add_text(f"usage: {usage(parser)}")
    made.add_text(parser.description)
    commands = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if commands:
        told = commands[0]._choices_actions
        made.add_text("\n".join(f"  {each.dest:10} {each.help}" for each in told))
    made.start_section(None)
    for group in parser._action_groups:
        if group.title not in _SHARED:
            made.add_arguments(filter(_is_option, group._group_actions))
    made.end_section()
    listed = [
        _listed(group.title, group._group_actions)
        for group in parser._action_groups
        if group.title in _SHARED
    ]
    if listed:
        made.add_text("\n".join(listed))
    for group in shared._action_groups if shared is not None else ():
        if group.title in _SHARED:
            made.start_section(group.title)
            made.add_arguments(group._group_actions)
            made.end_section()
    made.add_text(parser.epilog)
    return made.format_help()


def usage(parser: argparse.ArgumentParser) -> str:
    """What has to be given; the rest is optional."""
    words = [parser.prog]
    for action in parser._actions:
        if not action.option_strings:
            words.append(_value(action))
        elif action.required:
            words.append(f"{action.option_strings[0]} {_value(action)}")
    if any(isinstance(each, argparse._SubParsersAction) for each in parser._actions):
        return " ".join([*words, "..."])
    return " ".join([*words, "[OPTION ...]"])


def _is_option(action: argparse.Action) -> bool:
    """Whether it has a line of its own; what everybody knows has none."""
    return not isinstance(
        action, (argparse._HelpAction, argparse._SubParsersAction)
    ) and action.option_strings != ["--version"]


def _listed(title: str, actions: list[argparse.Action]) -> str:
    """A group on a line or two."""
    names = (
        " ".join(filter(None, ("|".join(each.option_strings), _value(each)))) for each in actions
    )
    # What belongs together is not taken apart.
    text = " ".join(f"[{name}]".replace(" ", "\0") for name in names)
    lines = textwrap.wrap(
        f"{title}: {text}", _WIDTH - 1, subsequent_indent="  ", break_on_hyphens=False
    )
    return "\n".join(lines).replace("\0", " ")


def _value(action: argparse.Action) -> str:
    """What stands for the value: ``FILE``, ``[PATTERN]``, ``PACKAGE ...``."""
    if action.nargs == 0:
        return ""
    name = action.metavar or "|".join(map(str, action.choices or ())) or action.dest.upper()
    text = " ".join(name) if isinstance(name, tuple) else name
    if action.nargs in ("+", "*"):
        text = f"{text} ..."
    return f"[{text}]" if action.nargs in ("?", "*") else text
