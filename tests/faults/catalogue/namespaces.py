"""N31 to N35: the host of the disks is in a network of its own, and the one of vCenter is well."""

from __future__ import annotations

import time

from nfclease import ConnectError, StallError

from ...support.waiting import wait_for
from ..harness.case import case
from ..harness.names import NameServer
from ..harness.namespaces import THERE, THERE_6, OtherNetwork, beside, needs_cable, own_network
from ..harness.world import DISK, DISK_SIZE, LARGE_SIZE, World

NETWORK = {"needs": needs_cable, "within": own_network}


def _slowly(world: World, seconds: float) -> None:
    """Lets the disk take so long."""
    if world.face == "import_vapp":
        world.large()
    size = LARGE_SIZE if world.face == "import_vapp" else DISK_SIZE
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=size / seconds)


@case(
    "N31",
    "a route of the disks' host swallows all packets in the middle of a disk, for ever",
    "StallError after the timeout, and Abort, as vCenter is well",
    faces=("blocking", "export_vm", "import_vapp"),
    deadline=60.0,
    **NETWORK,  # type: ignore[arg-type,unused-ignore]
)
def black_hole(world: World) -> None:
    _slowly(world, 8.0)
    other = OtherNetwork(world)

    def cut() -> None:
        wait_for(world.simulator.requests)
        time.sleep(0.5)
        other.swallow()

    beside(world, cut)
    with world.fails(StallError):
        world.job(max_retries=0)


@case(
    "N32",
    "no packet of the disks' host arrives when it is connected to",
    "StallError after the timeout, and Abort",
    faces=("blocking", "import_vapp"),
    deadline=60.0,
    **NETWORK,  # type: ignore[arg-type,unused-ignore]
)
def no_answer(world: World) -> None:
    OtherNetwork(world).swallow_answers()
    with world.fails(StallError):
        world.job(max_retries=0)


#: How long the hole is, and the timeout. TCP asks again after 0.2, 0.4, 0.8 ... seconds: of a hole
#: of 30 seconds it knows the end after 51 of them at the latest, before the usual timeout of 60.
HOLES = {"4 s": (4.0, 15.0), "30 s": (30.0, 60.0)}


@case(
    "N33",
    "a route of the disks' host swallows all packets for 4 or for 30 seconds, and then none",
    "the same stream goes on, and is verified: a hole is not an error before the timeout",
    faces=("blocking", "import_vapp"),
    variants=HOLES,
    deadline=150.0,
    **NETWORK,  # type: ignore[arg-type,unused-ignore]
)
def heals(world: World, how: tuple[float, float]) -> None:
    seconds, timeout = how
    _slowly(world, 4.0)
    other = OtherNetwork(world)

    def cut() -> None:
        wait_for(world.simulator.requests)
        time.sleep(0.5)
        other.swallow()
        time.sleep(seconds)
        other.heal()

    beside(world, cut)
    began = time.monotonic()
    world.job(max_retries=0, timeout=timeout)
    world.expect(time.monotonic() - began > seconds, "it took longer than the hole")
    world.expect(len(world.requests()) == 1, "one stream")


NAME = "esx-1.example.test"
#: What the name server knows of the host, and whether it works at all.
ANSWERS: dict[str, tuple[dict[str, tuple[str, ...]], bool]] = {
    "no such name": ({}, False),
    "SERVFAIL": ({}, True),
    "no address": ({NAME: ()}, False),
}


@case(
    "N34",
    "a name server does not know the disks' host, has no address of it, or fails",
    "ConnectError, an Abort",
    faces=("blocking", "export_vm"),
    variants=ANSWERS,
    deadline=60.0,
    **NETWORK,  # type: ignore[arg-type,unused-ignore]
)
def no_name(world: World, how: tuple[dict[str, tuple[str, ...]], bool]) -> None:
    names, broken = how
    server = NameServer(world, names, broken)
    OtherNetwork(world, NAME)
    with world.fails(ConnectError):
        world.job(max_retries=0)
    world.expect(server.asked > 0, "the name server was asked")


@case(
    "N35",
    "the disks' host has two addresses: nothing of the one of IPv6 arrives, the other works",
    "the disk, verified, by the other",
    faces=("blocking", "export_vm", "import_vapp"),
    deadline=60.0,
    **NETWORK,  # type: ignore[arg-type,unused-ignore]
)
def dead_address(world: World) -> None:
    NameServer(world, {NAME: (THERE_6, THERE)})
    other = OtherNetwork(world, NAME)
    other.swallow_ipv6()
    before = other.received_ipv6()
    world.job(max_retries=0)
    world.expect(other.received_ipv6() > before, "the dead address was tried")
