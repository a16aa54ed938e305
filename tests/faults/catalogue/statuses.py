"""N: a host whose answer is a status."""

from __future__ import annotations

import time

from nfclease import HttpStatusError

from ..harness.case import EXPORTS, IMPORTS, case
from ..harness.world import DISK, World


@case(
    "N04",
    "an upload is refused before it was read",
    "HttpStatusError with that status, and not a broken pipe",
    faces=IMPORTS,
    variants={"413": 413, "507": 507},
)
def refused_early(world: World, code: int) -> None:
    world.large()
    world.simulator.inject("status", disk=DISK, code=code)
    with world.fails(HttpStatusError, status=code):
        world.job(max_retries=0)


@case("N11", "503 twice, with Retry-After: 1", "the disk, after at least two seconds")
def unavailable(world: World) -> None:
    wishes = {"Retry-After": "1"}
    world.simulator.inject("status", disk=DISK, code=503, headers=wishes, count=2)
    began = time.monotonic()
    world.job(max_retries=2)
    world.expect(time.monotonic() - began >= 2.0, "the host's wish was respected")


@case("N12", "503, with Retry-After: 86400", "HttpStatusError, without the day", faces=EXPORTS)
def unavailable_for_a_day(world: World) -> None:
    wishes = {"Retry-After": "86400"}
    world.simulator.inject("status", disk=DISK, code=503, headers=wishes)
    with world.fails(HttpStatusError, status=503):
        world.job(max_retries=2, retry_timeout=5.0)


STATUSES = {str(code): code for code in (500, 502, 504, 408, 429, 404, 401, 403, 410)}
_AGAIN = (500, 502, 504, 408, 429)


@case(
    "N13",
    "a host answers one of nine statuses",
    "those that may pass are tried again, the others are not",
    variants=STATUSES,
)
def statuses(world: World, code: int) -> None:
    world.simulator.inject("status", disk=DISK, code=code)
    attempts = 2 if code in _AGAIN else 1
    with world.fails(HttpStatusError, status=code, attempts=attempts):
        world.job()
    world.expect(len(world.requests()) == attempts, f"asked for {attempts} times")
