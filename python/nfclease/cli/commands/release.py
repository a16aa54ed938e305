"""``nfclease release``."""

from __future__ import annotations

import os
import sys

from nfclease.cli.arguments import add_connection, add_output
from nfclease.cli.commands.leases import as_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console
    from nfclease.inventory import BlockingTask

HELP = "cancel the task of a dead lease, so that its VM is free"
EPILOG = """\
Shows who holds the VM and asks. Do not release a lease that is in use: its
transfer ends, and the VM that an import is making is removed.

example:
  nfclease release demo-vm
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("vm", metavar="VM", help="VM or vApp: inventory path, name or moId")
    parser.add_argument("--task", metavar="ID", help="this one, where more than one holds it")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    add_output(parser)
    add_connection(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Cancels it; 0 where the VM is free then, or was before."""
    from pyVmomi import vim

    from nfclease.cli.session import session
    from nfclease.inventory import blocking_tasks, cancel_task, find

    with session(args, console) as service_instance:
        where = os.environ.get("GOVC_DATACENTER") or None
        vm = find(service_instance, args.vm, (vim.VirtualMachine, vim.VirtualApp), datacenter=where)
        held = blocking_tasks(vm)
        task = _chosen(held, args)
        if task is None:
            return _nothing(held, args.vm, console)
        if not args.yes and not _agreed(task):
            console.error("nothing was cancelled")
            return 1
        console.decision(f"cancel {task}")
        if not cancel_task(task):
            console.error(f"{task} cannot be cancelled now; wait for its end")
            return 1
        left = blocking_tasks(vm)
    still = "; still held by " + "; ".join(map(str, left)) if left else " and free"
    row = _summary(task, left)
    console.done(row, f"{task.key} is cancelled: {args.vm} is released{still}")
    return 1 if left else 0


def _chosen(held: list[BlockingTask], args: argparse.Namespace) -> BlockingTask | None:
    """The lease's task to cancel, or None.

    Raises:
        UsageError: There are more, or none of that id, or it is not a lease's.
    """
    from nfclease.cli.failure import UsageError

    leases = [task for task in held if task.is_lease]
    if args.task is not None:
        for task in held:
            if task.key == args.task:
                if not task.is_lease:
                    raise UsageError(f"{task} is not the task of a lease: it is left alone")
                return task
        raise UsageError(f"no task {args.task} holds {args.vm}: {_listed(held)}")
    if len(leases) > 1:
        raise UsageError(f"more than one lease holds {args.vm}: {_listed(leases)}; name it: --task")
    return leases[0] if leases else None


def _listed(tasks: list[BlockingTask]) -> str:
    return "; ".join(map(str, tasks)) or "nothing does"


def _summary(task: BlockingTask | None, left: list[BlockingTask]) -> dict[str, object]:
    return {
        "type": "summary",
        "command": "release",
        "cancelled": None if task is None else as_object(task),
        "free": not left,
        "left": [as_object(each) for each in left],
    }


def _nothing(held: list[BlockingTask], name: str, console: Console) -> int:
    """What is said where no lease holds it."""
    row = _summary(None, held)
    if held:
        console.error(f"{name} is held, but not by a lease: {_listed(held)}; wait for its end")
        if console.json:
            console.row(row, "")
        return 1
    console.done(row, f"{name} is free: no lease holds it")
    return 0


def _agreed(task: BlockingTask) -> bool:
    """Whether the person at the terminal wants it.

    Raises:
        UsageError: Nobody can be asked.
    """
    from nfclease.cli.console import printable
    from nfclease.cli.failure import UsageError

    if sys.stdin is None or sys.stderr is None or not sys.stdin.isatty():
        raise UsageError(
            f"nobody can be asked: standard input is not a terminal; --yes cancels {task}"
        )
    lost = " and remove the VM that it is making" if "import" in task.operation.lower() else ""
    question = printable(f"{task}: cancel it{lost}? [y/N] ")
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
