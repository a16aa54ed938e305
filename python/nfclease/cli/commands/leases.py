"""``nfclease leases``."""

from __future__ import annotations

from nfclease.cli.arguments import add_connection, add_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from nfclease.cli.console import Console
    from nfclease.inventory import BlockingTask

HELP = "list the tasks of all leases: what holds a VM, since when, by whom"
EPILOG = """\
A lease that is in use has such a task, too: look at user and time before you
cancel one with 'nfclease release VM'. The server ends a lease that nobody
renews, as a rule after five minutes.

example:
  nfclease leases
"""


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    add_output(parser)
    add_connection(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Lists them."""
    from nfclease.cli.session import session
    from nfclease.inventory import lease_tasks

    with session(args, console) as service_instance:
        tasks = lease_tasks(service_instance)
    if console.json:
        for task in tasks:
            console.row(as_object(task), "")
    else:
        for line in as_table(tasks):
            console.row({}, line)
    if not tasks:
        console.line("no lease holds anything that this user can see")
    return 0


def as_object(task: BlockingTask) -> dict[str, object]:
    """A task for ``--json``."""
    return {
        "type": "task",
        "task": task.key,
        "operation": task.operation,
        "name": task.entity_name,
        "moid": None if task.entity is None else task.entity._moId,
        "user": task.user,
        "since": None if task.started is None else task.started.isoformat(),
        "state": task.state,
        "progress": task.progress,
        "cancelable": task.cancelable,
        "is_lease": task.is_lease,
    }


def as_table(tasks: list[BlockingTask]) -> list[str]:
    """Lines for people."""
    from nfclease._text import escaped
    from nfclease.cli.tables import table, terminal_width

    rows = [
        (
            escaped(task.key),
            f"{task.started:%Y-%m-%d %H:%M:%S %Z}" if task.started else "",
            escaped(task.user),
            escaped(task.operation),
            escaped(task.entity_name),
        )
        for task in tasks
    ]
    return table(("task", "since", "user", "operation", "of"), rows, terminal_width())
