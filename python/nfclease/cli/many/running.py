"""An export of many VMs: from the options to the summary."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from nfclease.cli.console import Console
    from nfclease.fleet import ExportJob

#: By the name of an option of the command: what an export of one VM calls it.
_OPTIONS = {
    "snapshot": "snapshot",
    "overwrite": "overwrite",
    "resume": "resume",
    "include": "include",
    "format": "disk_format",
    "qcow2_compression": "qcow2_compression",
    "export_option": "export_options",
    "max_concurrency": "max_concurrency",
}


def run(args: argparse.Namespace, console: Console) -> int:
    """Exports them.

    Returns:
        The exit code.
    """
    from nfclease.cli.many.chosen import chosen
    from nfclease.cli.many.cluster import connected
    from nfclease.cli.many.login import Sessions, name_of, portable
    from nfclease.cli.session import Login, patient
    from nfclease.fleet import register_session

    target = os.path.abspath(args.output)
    check_template(target)
    login = Login(args, console)
    with ExitStack() as stack:
        session: Any = name_of(login.where)
        executor = None
        if args.dask is not None:
            session = portable(login)
            executor = stack.enter_context(connected(args.dask))
        stack.enter_context(patient())
        sessions = Sessions(login)
        stack.callback(sessions.close)
        if executor is None:
            register_session(session, sessions)
        vms = chosen(args, sessions, console)
        sessions.service()  # a wrong address or password is one error, and not one for each VM
        jobs = [_job(session, vm, target, args) for vm in vms]
        console.decision(f"{len(jobs)} VMs are chosen")
        if args.dry_run:
            from nfclease.cli.many.dry import say

            return say(jobs, args, console)
        return _carried_out(jobs, executor, args, console)


def check_template(target: str) -> None:
    """Refuses a template before anybody logs in.

    Raises:
        UsageError: It names something unknown.
    """
    from nfclease.cli.failure import UsageError
    from nfclease.fleet import ExportJob

    try:
        ExportJob("-", "-", target)
    except ValueError as error:
        raise UsageError(f"-o {error}") from None


def _job(session: Any, vm: str, target: str, args: argparse.Namespace) -> ExportJob:
    from nfclease.fleet import ExportJob

    options = {
        keyword: value for name, keyword in _OPTIONS.items() if (value := getattr(args, name))
    }
    options["manifest"] = None if args.checksum == "none" else args.checksum
    return ExportJob(session, vm, target, options)


def _carried_out(
    jobs: list[ExportJob], executor: Any, args: argparse.Namespace, console: Console
) -> int:
    from nfclease import fleet
    from nfclease.cli.many.options import caps
    from nfclease.cli.many.told import progress_of, say_summary

    outcomes: list[fleet.Outcome] = []
    started = time.monotonic()
    retries = {} if args.retries is None else {"retries": args.retries}
    try:
        summary = fleet.run(
            jobs,
            executor=executor,
            max_jobs=args.jobs,
            max_bytes_per_second=args.max_bytes_per_second,
            stop_on_failure=args.stop_on_failure,
            journal=args.journal,
            verify=args.verify_journal,
            progress=progress_of(console),
            on_result=outcomes.append,
            check=False,
            **retries,
            **caps(args),
        )
    except BaseException:  # what was done before is said all the same
        if outcomes:
            say_summary(fleet.Summary(tuple(outcomes), time.monotonic() - started), console)
        raise
    return say_summary(summary, console)
