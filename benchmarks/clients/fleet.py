"""One process that runs a fleet, and says what that took.

    python -m benchmarks.clients.fleet ORDER        # a file of JSON, see ``benchmarks.fleet_stage``
    python -m benchmarks.clients.fleet              # what Python with pyVmomi holds, and no more

CPU is that of this process, from the call of ``run`` to its end. JSON on standard output.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyVim.connect
import pyVmomi

if TYPE_CHECKING:
    from nfclease.fleet import Event, Outcome

# What both kinds of process have loaded when the memory of the one is compared with the other's.
assert pyVim.connect, pyVmomi
#: So often the memory is looked at.
EVERY = 100
#: Of the pauses that stand for jobs.
PAUSE = 0.1


class Pauses(Executor):
    """Threads that wait a tenth of a second in place of each export: the schedule alone."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(64)

    def submit(self, call: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Begins a pause, whose outcome is one of an export that is done."""
        [assignment] = args

        def pause() -> Any:
            time.sleep(PAUSE)
            return assignment.outcome(state="done")

        return self._threads.submit(pause)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)


class Watch:
    """What is told of a run while it runs."""

    def __init__(self) -> None:
        self.begin = time.perf_counter()
        self.first: float | None = None
        self.ended = 0
        self.held: list[tuple[int, int]] = []

    def event(self, event: Event) -> None:
        """Notes when the first job starts."""
        if self.first is None and event.kind == "started":
            self.first = time.perf_counter() - self.begin

    def result(self, _: Outcome) -> None:
        """Notes now and then how much memory there is."""
        self.ended += 1
        if self.ended % EVERY == 0:
            self.held.append((self.ended, memory("VmRSS")))


def memory(name: str) -> int:
    """KiB of this process: ``VmRSS`` now, or ``VmHWM`` at most so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


@contextmanager
def executor(kind: str) -> Iterator[Any]:
    """What ``run`` takes as its executor, ready before the clock starts."""
    if kind == "dask":
        distributed: Any = import_module("distributed")
        quiet = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
        with (
            distributed.LocalCluster(n_workers=2, threads_per_worker=8, **quiet) as cluster,
            distributed.Client(cluster) as client,
        ):
            client.wait_for_workers(2)
            yield client
    else:
        yield {"threads": None, "pauses": Pauses}[kind]


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Runs what was ordered."""
    from nfclease import fleet

    sessions = [fleet.SessionFrom(**each) for each in order["sessions"]]
    jobs = [
        fleet.ExportJob(sessions[number], vm, target, order["options"])
        for number, vm, target in order["jobs"]
    ]
    with executor(order["executor"]) as chosen:
        cpu, watch = time.process_time(), Watch()
        summary = fleet.run(
            jobs,
            executor=chosen,
            per_host=order["per_host"],
            journal=order["journal"],
            progress=watch.event,
            on_result=watch.result,
            retries=0,
        )
        seconds, cpu = time.perf_counter() - watch.begin, time.process_time() - cpu
        peak = memory("VmHWM")
    return {
        "jobs": len(summary.done),
        "bytes": sum(each.bytes for each in summary.done),
        "seconds": seconds,
        "before_first": watch.first,
        "cpu": cpu,
        "peak_kib": peak,
        "held": watch.held,
    }


def main() -> None:
    """Runs the command line."""
    if len(sys.argv) == 1:
        said: dict[str, Any] = {"peak_kib": memory("VmHWM")}
    else:
        said = run(json.loads(Path(sys.argv[1]).read_text()))
    print(json.dumps(said))


if __name__ == "__main__":
    main()
