"""The shell lines of a page, run one after the other in one bash, as a reader would."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SECONDS = 100
#: A block of shell, and what it prints where a block of text follows.
BLOCK = re.compile(
    r"^```(bash|console)\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE
)
#: Between the output of one command and the next, where no program prints it.
MARK = "\x1e"


@dataclass(frozen=True)
class Command:
    """What a reader types, with its continuation lines, and what it prints, if the page says."""

    text: str
    expected: str = ""


def commands(page: str) -> list[Command]:
    """All of a page, in order."""
    return [
        command
        for kind, block, after in BLOCK.findall(page)
        for command in (_console(block) if kind == "console" else [Command(block, after)])
    ]


def lines(command: Command) -> Iterator[str]:
    """Its lines, without comments and with continuations joined."""
    joined = re.sub(r"\\\n\s*", "", command.text)
    for line in joined.splitlines():
        if bare := re.sub(r"(^|\s+)#\s.*", "", line).strip():
            yield bare


def _console(block: str) -> Iterator[Command]:
    typed, printed = "", ""
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            if typed:
                yield Command(typed, printed)
            typed, printed = line[2:], ""
        elif line.startswith("> ") and not printed:
            typed += line[2:]
        else:
            printed += line
    if typed:
        yield Command(typed, printed)


def run(
    wanted: list[Command],
    directory: Path,
    environment: Mapping[str, str],
    rewrite: Callable[[str], str],
) -> list[str]:
    """What each of them printed on standard output.

    Args:
        wanted: In order; they share the directory and the variables.
        directory: Where they run.
        environment: All of it.
        rewrite: What is run in place of one command's text.

    Raises:
        AssertionError: A command failed; with it, and with what it said.
    """
    script = ["set -euo pipefail"]
    for command in wanted:
        script += [rewrite(command.text), f"printf '{MARK}'"]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    printed = done.stdout.split(MARK)
    if done.returncode:
        failed = wanted[min(len(printed), len(wanted)) - 1].text
        raise AssertionError(f"exit code {done.returncode}: {failed}{printed[-1]}{done.stderr}")
    return printed[:-1]
