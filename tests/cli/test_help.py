"""Each help is one screen, with an example, and as wide as the smallest terminal."""

from __future__ import annotations

import re

import pytest

from nfclease.cli.completion import commands_of
from nfclease.cli.parser import COMMANDS, parser

from ..support.command import Command

#: Lines of a terminal that a person has; that of `nfclease` itself tells what all commands share.
SCREEN, WITH_SHARED = 31, 37


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_one_screen_with_an_example(name: str) -> None:
    made = commands_of(parser())[name] if name else parser()
    text = made.format_help()
    lines = text.splitlines()
    assert len(lines) <= (SCREEN if name else WITH_SHARED)
    assert max(map(len, lines)) < 80
    assert lines[0].startswith(f"usage: nfclease {name}".rstrip())
    assert re.search(rf"^examples?:\n  nfclease {name}|^example:\n  source", text, re.M)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_is_on_it(name: str) -> None:
    """In full, or in a list: `nfclease --help` and `nfclease fleet --help` explain those.

    What logs in at the other end of a copy is as what logs in here.
    """
    made = commands_of(parser())[name]
    text, shared = made.format_help(), parser().format_help()
    shared += commands_of(parser())["fleet"].format_help()
    for action in made._actions:
        for flag in action.option_strings:
            if flag not in ("-h", "--help"):
                assert re.search(rf"(?<![\w-]){flag}(?![\w-])", text), flag
                told = f"  {action.option_strings[0]}"
                twin = action.option_strings[-1].replace("--to-", "--")
                is_shared = re.search(rf"^  .*{twin}(?![\w-])", shared, re.M)
                assert told in text or is_shared or "packages at" in text, flag


def test_it_is_the_same_in_any_terminal() -> None:
    """And says so on standard output, so that it can be paged."""
    run = Command({})
    for name in ("export", "verify"):
        narrow = run(name, "--help", env={"COLUMNS": "30"})
        wide = run(name, "--help", env={"COLUMNS": "200"})
        assert narrow == wide
        assert (wide.code, wide.stderr) == (0, "")
