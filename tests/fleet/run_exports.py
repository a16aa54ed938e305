"""A script that exports VMs by a fleet. Arguments: how, port, user, CA, directory, VMs.

``journal=PATH`` is a way, too: threads, and a journal there.

It prints a line when each job starts, and one with the states at the end.
"""

from __future__ import annotations

import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from nfclease import fleet


def processes() -> ProcessPoolExecutor:
    """Two worker processes."""
    return ProcessPoolExecutor(2, mp_context=get_context("spawn"))


def told(event: fleet.Event) -> None:
    """Says what happens, at once."""
    if event.kind in ("started", "stopping"):
        print(event.kind, event.vm, flush=True)


def main(how: str, port: str, user: str, ca_file: str, directory: str, *vms: str) -> None:
    """Runs them."""
    source = fleet.SessionFrom(
        "127.0.0.1", user, "FLEET_TEST_PASSWORD", port=int(port), ca_file=ca_file
    )
    if how == "handler":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("a handler of the script"))
    journal = how.removeprefix("journal=") if how.startswith("journal=") else None
    states: list[str] = []
    try:
        fleet.run(
            [fleet.ExportJob(source, vm, directory + "/{vm}.ova") for vm in vms],
            executor=processes if how == "processes" else None,
            per_host=2,
            journal=journal,
            retry_delay=0.2,
            progress=told,
            on_result=lambda outcome: states.append(outcome.state),
        )
    finally:
        print("states", *states, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
