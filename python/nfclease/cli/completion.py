"""Completion for bash and zsh, made from the parser itself: it knows what the parser knows."""

from __future__ import annotations

import argparse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: What a metavar of a local file or directory has in it; names in an inventory have none of these.
_FILES = ("FILE", "DIR", "TARGET", "SOURCE", "PACKAGE", "JOURNAL")


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The script of a shell, ``bash`` or ``zsh``."""
    return {"bash": bash, "zsh": zsh}[shell](parser)


def bash(parser: argparse.ArgumentParser) -> str:
    """A script for bash, 3.2 of macOS too; it needs nothing beside the shell."""
    commands = commands_of(parser)
    cases = "\n".join(_bash_case(name, sub) for name, sub in commands.items())
    return _BASH.format(
        cases=cases,
        commands=" ".join(commands),
        options=" ".join(flag for each in options_of(parser) for flag in each.option_strings),
    )


def zsh(parser: argparse.ArgumentParser) -> str:
    """A script for zsh, to source or to keep as ``_nfclease`` in a directory of ``fpath``."""
    commands = commands_of(parser)
    helps = {each.dest: each.help or "" for each in _subparsers(parser)._choices_actions}
    return _ZSH.format(
        options=" ".join(spec for each in options_of(parser) for spec in _zsh_option(each)),
        commands="\n".join(
            f"        {_quoted(f'{name}:{_plain(helps.get(name, str()))}')}" for name in commands
        ),
        cases="\n".join(_zsh_case(name, sub) for name, sub in commands.items()),
    )


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Each command and its parser."""
    return dict(_subparsers(parser).choices)


def options_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What begins with a dash, but for what is hidden."""
    return [
        each
        for each in parser._actions
        if each.option_strings and each.help is not argparse.SUPPRESS
    ]


def takes_file(action: argparse.Action) -> bool:
    """Whether its value is a local file or directory."""
    names = action.metavar if isinstance(action.metavar, tuple) else (action.metavar or "",)
    return any(part in name for name in names for part in _FILES)


def _subparsers(
    parser: argparse.ArgumentParser,
) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    return next(each for each in parser._actions if isinstance(each, argparse._SubParsersAction))


def _positionals(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [each for each in parser._actions if not each.option_strings]


# bash


def _bash_case(name: str, parser: argparse.ArgumentParser) -> str:
    """What the script knows of one command."""
    flags = " ".join(flag for each in options_of(parser) for flag in each.option_strings)
    lines = [f"        {name})", f"            options={_quoted(flags)}"]
    values = []
    for action in options_of(parser):
        if action.nargs != 0:
            pattern = "|".join(action.option_strings)
            values.append(f"                {pattern}) {_bash_value(action)} ;;")
    if values:
        lines += ["            case $before in", *values, "            esac"]
    words = [word for each in _positionals(parser) for word in map(str, each.choices or ())]
    if words:
        lines.append(f"            words={_quoted(' '.join(words))}")
    if any(takes_file(each) for each in _positionals(parser)):
        lines.append("            files=yes")
    return "\n".join([*lines, "            ;;"])


def _bash_value(action: argparse.Action) -> str:
    if action.choices:
        return f"options= words={_quoted(' '.join(map(str, action.choices)))} value=yes"
    return f"options= value={'file' if takes_file(action) else 'other'}"


_BASH = """\
# bash completion for nfclease: source <(nfclease completion bash)
_nfclease() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    local command= options= words= files= value= at
    COMPREPLY=()
    # bash takes --option=value apart
    if [[ $word == = ]]; then
        word=
    elif [[ $before == = && COMP_CWORD -ge 2 ]]; then
        before=${{COMP_WORDS[COMP_CWORD-2]}}
    fi
    for ((at = 1; at < COMP_CWORD; at++)); do
        if [[ ${{COMP_WORDS[at]}} != -* ]]; then
            command=${{COMP_WORDS[at]}}
            break
        fi
    done
    case $command in
        "")
            options="{options}"
            words="{commands}"
            ;;
{cases}
    esac
    case $value in
        yes) files= ;;
        file) files=yes words= ;;
        other) files= words= ;;
    esac
    if [[ $word == -* && -z $value ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$word"))
    elif [[ -n $words ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$word"))
    elif [[ -n $files ]]; then
        compopt -o filenames 2>/dev/null
        local IFS=$'\\n'
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}}
complete -F _nfclease nfclease
"""


# zsh


def _zsh_case(name: str, parser: argparse.ArgumentParser) -> str:
    specs = [spec for each in options_of(parser) for spec in _zsh_option(each)]
    for number, action in enumerate(_positionals(parser), 1):
        many = action.nargs in ("*", "+", argparse.REMAINDER)
        optional = "::" if action.nargs == "?" else ":"
        place = f"*{optional}" if many else f"{number}{optional}"
        label = str(action.metavar or action.dest)
        specs.append(_quoted(f"{place}{_plain(label)}:{_zsh_value(action)}"))
    body = " \\\n                ".join(specs)
    return f"            {name})\n                _arguments {body}\n                ;;"


def _zsh_option(action: argparse.Action) -> Iterator[str]:
    """Specs of ``_arguments`` for each spelling; one that was given hides the others."""
    several = isinstance(action, (argparse._AppendAction, argparse._CountAction))
    others = "*" if several else f"({' '.join(action.option_strings)})"
    value = ""
    if action.nargs != 0:
        value = f":{_plain(str(action.metavar or action.dest))}:{_zsh_value(action)}"
    for flag in action.option_strings:
        joined = "" if not value else "=" if flag.startswith("--") else "+"
        yield _quoted(f"{others}{flag}{joined}[{_plain(_help(action))}]{value}")


def _zsh_value(action: argparse.Action) -> str:
    if action.choices:
        return f"({' '.join(map(str, action.choices))})"
    return "_files" if takes_file(action) else " "


def _help(action: argparse.Action) -> str:
    values = {**vars(action), "prog": "nfclease"}
    return (action.help or "") % values


def _plain(text: str) -> str:
    """Without what ends a part of a spec."""
    for char in "\\[]:":
        text = text.replace(char, f"\\{char}")
    return text


def _quoted(text: str) -> str:
    """One word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


_ZSH = """\
#compdef nfclease
# zsh completion for nfclease: source <(nfclease completion zsh)
_nfclease() {{
    local curcontext=$curcontext state line
    typeset -A opt_args
    _arguments -C {options} '1:command:->command' '*::argument:->argument' && return
    local -a commands
    commands=(
{commands}
    )
    case $state in
        command)
            _describe -t commands command commands
            ;;
        argument)
            case $words[1] in
{cases}
            esac
            ;;
    esac
}}
if [[ $funcstack[1] == _nfclease ]]; then
    _nfclease "$@"
else
    compdef _nfclease nfclease
fi
"""
