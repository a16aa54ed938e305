"""Writes the reference page of the command line, made of the parser: nothing in it is by hand.

Run as ``python -m tests.tools.command_page`` after a change of an option, an example or a help
text; ``tests/package/test_command_page.py`` fails where the page and the parser differ.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from nfclease.cli.help import usage
from nfclease.cli.parser import parser

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "command-line.md"

HEAD = """\
<!-- Made by `python -m tests.tools.command_page` of the parser: change that, not this page. -->

# The command line

`nfclease` and `python -m nfclease` are the same command. [Use the command line](../command-line.md)
says how to work with it: how it logs in, what it prints, how it ends. What is on this page,
`nfclease COMMAND --help` says too.
"""
#: How an epilog begins its examples.
EXAMPLES = re.compile(r"^examples?:\n", re.MULTILINE)


def page() -> str:
    """All of it."""
    made = parser()
    subs = dict(_commands(made))
    every = Counter(table for sub in subs.values() for table in _tables(sub).values())
    shared = {
        title: table
        for sub in subs.values()
        for title, table in _tables(sub).items()
        if every[table] > 1 and title not in _TITLES.values()
    }
    parts = [HEAD, *_described(made, {})]
    parts = [part for part in parts if not part.startswith("```bash")]  # those of the commands
    for name, sub in subs.items():
        parts += [f"## {name}\n", f"{_sentence(sub.description or '')}\n", *_described(sub, shared)]
    for title, table in shared.items():
        parts += [f"## {title}\n", f"| Option | |\n| --- | --- |\n{table}"]
    return "\n".join(parts)


def _commands(made: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in made._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _described(made: argparse.ArgumentParser, shared: dict[str, str]) -> Iterator[str]:
    """Usage, its options by group, and the end of its help; groups of many commands by name."""
    yield f"```text\n{usage(made)}\n```\n"
    elsewhere = []
    for title, table in _tables(made).items():
        if shared.get(title) == table:
            anchor = title.lower().replace(" ", "-")
            elsewhere.append(f"[{title[0].lower()}{title[1:]}](#{anchor})")
        else:
            yield f"| {title} | |\n| --- | --- |\n{table}"
    if elsewhere:
        yield f"And the options of {', '.join(elsewhere)}.\n"
    yield from _epilog(made.epilog or "")


def _tables(made: argparse.ArgumentParser) -> dict[str, str]:
    """The rows of each group of options, by its title."""
    found = {}
    for group in made._action_groups:
        rows = [row for action in group._group_actions for row in _rows(action)]
        if rows:
            title = group.title or ""
            if any(isinstance(each, argparse._SubParsersAction) for each in group._group_actions):
                title = "command"
            said = f"\n{_prose(group.description)}\n" if group.description else ""
            found[_TITLES.get(title, _capital(title))] = "\n".join(rows) + "\n" + said
    return found


#: The same in every version of Python, and what a reader of the page looks for.
_TITLES = {"positional arguments": "Argument", "options": "Option", "optional arguments": "Option"}


def _rows(action: argparse.Action) -> Iterator[str]:
    if action.help is argparse.SUPPRESS or isinstance(action, argparse._HelpAction):
        return
    if isinstance(action, argparse._SubParsersAction):
        for choice in action._choices_actions:
            yield f"| [`{choice.dest}`](#{choice.dest}) | {_cell(choice.help or '')} |"
        return
    text = (action.help or "") % {name: str(value) for name, value in vars(action).items()}
    yield f"| `{_invocation(action)}` | {_cell(text)} |"


def _invocation(action: argparse.Action) -> str:
    """As it is typed: ``-o, --output TARGET``."""
    names = ", ".join(action.option_strings)
    return " ".join(filter(None, [names, _value(action)]))


def _value(action: argparse.Action) -> str:
    if action.option_strings and action.nargs == 0:
        return ""
    name = action.metavar
    if name is None:
        name = (
            f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.dest.upper()
        )
    text = " ".join(name) if isinstance(name, tuple) else name
    forms = {"?": f"[{text}]", "*": f"[{text} ...]", "+": f"{text} [{text} ...]"}
    return forms.get(str(action.nargs), text)


def _sentence(text: str) -> str:
    return f"{_prose(_capital(text)).rstrip('.')}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|")


def _prose(text: str) -> str:
    """A help text as Markdown: what is typed as code, nothing else changed."""
    flat = " ".join(text.split())
    flat = re.sub(r"(?<!\w)'([^']+)'(?!\w)", r"`\1`", flat)
    bare = r"(?<![\w`/-])(GOVC_\w+|NO_COLOR|--?[a-z][\w-]*)(?![`/])"
    parts = re.split(r"(`[^`]+`)", flat)
    return "".join(
        part if part[:1] == "`" else re.sub(bare, r"`\1`", part.replace("*", "\\*"))
        for part in parts
    )


def _epilog(text: str) -> Iterator[str]:
    said, *examples = EXAMPLES.split(text)
    for paragraph in filter(None, re.split(r"\n\s*\n", said.strip())):
        is_table = re.search(r"^ {2,}", paragraph, re.MULTILINE)
        yield f"```text\n{paragraph}\n```\n" if is_table else f"{_prose(paragraph)}\n"
    for block in examples:
        lines = textwrap.dedent(block.strip("\n"))
        typed, _, after = lines.partition("\n\n")
        yield f"```bash\n{typed}\n```\n"
        if after.strip():
            yield f"{_prose(after)}\n"


def main() -> int:
    """Writes it."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
