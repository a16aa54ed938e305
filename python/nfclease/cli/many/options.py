"""The options of an export of many VMs, and what goes with what."""

from __future__ import annotations

import argparse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The help of ``nfclease fleet`` tells them in full.
TITLE = "many VMs, see nfclease fleet --help"
TOLD = "many VMs, options of nfclease export"
#: By the name of each option: how many VMs are chosen, and what is for many alone.
_CHOICES = {"list": "--list", "all_in": "--all-in", "tag": "--tag"}
_ALONE = {
    "jobs": "--jobs",
    "per_host": "--per-host",
    "per_vcenter": "--per-vcenter",
    "retries": "--retries",
    "stop_on_failure": "--stop-on-failure",
    "journal": "--journal",
    "verify_journal": "--verify-journal",
    "dask": "--dask",
}
#: What a template has to have, for each VM to get a target of its own.
_NAMES = ("{vm}", "{moid}", "{uuid}")


def add_many(parser: argparse.ArgumentParser, title: str = TITLE) -> None:
    """Which VMs, and how many at once."""
    group = parser.add_argument_group(title)
    add = group.add_argument
    add("--list", metavar="FILE", help="file of VMs, one a line; - is standard input")
    add("--all-in", metavar="PLACE", help="all in a folder, host, cluster, pool, datacenter")
    add("--tag", metavar="TAG", help="all that have it: CATEGORY/TAG, or TAG alone")
    add("--jobs", metavar="N", type=_number(1), help="VMs at once (no limit)")
    add(
        "--per-host",
        metavar="N",
        type=_number(1),
        help="disks at once from one host, of all VMs (8)",
    )
    add("--per-vcenter", metavar="N", type=_number(1), help="the same of the vCenter (48)")
    add("--retries", metavar="N", type=_number(0), help="of a failure that may pass (2)")
    add("--stop-on-failure", action="store_true", help="start no more once a VM has failed")
    add("--journal", metavar="FILE", help="remember what is done, and skip it next time")
    add("--verify-journal", action="store_true", help="skip it only if its digests are right")
    add("--dask", metavar="ADDRESS", help="on the workers of this Dask scheduler")


def _number(least: int) -> Any:
    """The type of a count."""

    def number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > 6 or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {least} or more")
        return int(text)

    return number


def is_many(args: argparse.Namespace) -> bool:
    """Whether many VMs are exported, or the one that is named.

    Raises:
        UsageError: No VM is chosen, in two ways, or an option is for the other kind of export.
    """
    from nfclease.cli.failure import UsageError

    ways = [flag for name, flag in _CHOICES.items() if getattr(args, name) is not None]
    if args.vm is not None:
        ways.append("VM")
    if not ways:
        raise UsageError("no VM is named: give one, or many by --list, --all-in or --tag")
    if len(ways) > 1:
        raise UsageError(f"{' and '.join(ways)} do not go together: give one of them")
    if args.vm is None:
        _check_many(args)
        return True
    given = {flag: getattr(args, name) for name, flag in _ALONE.items()}
    alone = [flag for flag, value in given.items() if value is not None and value is not False]
    if alone:
        raise UsageError(f"{alone[0]} is for many VMs: with --list, --all-in or --tag")
    return False


def caps(args: argparse.Namespace) -> dict[str, Any]:
    """What was said of how much is moved at once."""
    names = ("per_host", "per_vcenter")
    return {name: value for name in names if (value := getattr(args, name)) is not None}


def _check_many(args: argparse.Namespace) -> None:
    """Refuses what makes no sense with many."""
    from nfclease.cli.failure import UsageError

    if args.output == "-":
        raise UsageError("-o - is for one VM: give many a template, such as 'backup/{vm}.ova'")
    if args.name is not None:
        raise UsageError("--name is for one VM: each of many keeps its own name")
    if args.exclude:
        raise UsageError("--exclude is for one VM: of many, give what is wanted by --include")
    if not any(name in args.output for name in _NAMES):
        raise UsageError(
            f"all VMs would go to {args.output}: give a template with {', '.join(_NAMES[:-1])} or "
            f"{_NAMES[-1]} in it, such as 'backup/{{vm}}.ova'"
        )
    if args.verify_journal and args.journal is None:
        raise UsageError("--verify-journal goes with --journal")
