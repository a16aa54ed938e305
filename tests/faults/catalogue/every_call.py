"""F: a fault at every call of small jobs: each call of a job fails once, and all has to hold."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..every_call import sweep
from ..every_call.calls import Fault, needs_failing_calls
from ..every_call.clones import CLONES, needs_failing_clones
from ..every_call.jobs import JOBS
from ..harness.case import LEASES, case
from ..harness.world import World

#: Jobs that speak to a server.
REMOTE = {name: name for name in JOBS if " to " not in name}


def _each(world: World, job: str, faults: Sequence[Fault], processes: int) -> None:
    lines, violations = sweep.swept(job, world.face, faults, processes=processes)
    print("\n".join(lines), file=sys.stderr)
    world.violations += violations


@case(
    "F11",
    "a fault at each call on a file of a small export, import and conversion",
    "the right result, or an error with path and errno; the lease ended once, nothing kept",
    faces=LEASES,
    variants={name: name for name in JOBS},
    needs=needs_failing_calls,
    deadline=300,
)
def every_file_call(world: World, job: str) -> None:
    _each(world, job, sweep.FILES, 1)


@case(
    "F51",
    "a fault at each socket, connect, read and write of one",
    "a verified result, or an error that names the host; the lease ended once, nothing kept",
    faces=LEASES[:1],
    variants=REMOTE,
    needs=needs_failing_calls,
    deadline=300,
)
def every_socket_call(world: World, job: str) -> None:
    _each(world, job, sweep.SOCKETS, 4)


@case(
    "F52",
    "each SOAP call gets a fault, no answer, or none though it was done",
    "a verified result, or an error that names the host; the lease ended once, nothing kept",
    faces=LEASES,
    variants=REMOTE,
    needs=needs_failing_calls,
    deadline=300,
)
def every_soap_call(world: World, job: str) -> None:
    _each(world, job, sweep.CALLS, 2)


@case(
    "F53",
    "each call that waits is interrupted, each read and write moves half of its bytes",
    "the right result",
    faces=LEASES[:1],
    variants={name: name for name in JOBS},
    needs=needs_failing_calls,
    deadline=300,
)
def every_harmless(world: World, job: str) -> None:
    _each(world, job, sweep.HARMLESS, 1)


@case(
    "F54",
    "a thread cannot be started: each clone of a process that has started none, once or for ever",
    "the right result with fewer threads, or OSError EAGAIN; the lease ended once, nothing kept",
    faces=LEASES,
    variants={name: name for name in JOBS},
    needs=needs_failing_clones,
    deadline=300,
)
def every_clone(world: World, job: str) -> None:
    _each(world, job, CLONES, 2)
