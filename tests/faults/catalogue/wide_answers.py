"""T08, H48: answers to a script's own calls that keep a parser busy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from nfclease import HttpNfcLease, LimitExceededError, NfcError, ProtocolError

from ..harness.case import LEASES, case
from ..harness.world import World
from .promises import cadence
from .soap import CALL, ENVELOPE, LAUGHS, TAGS

BLOCKING = LEASES[:1]

ANSWERS: dict[str, tuple[str, type[NfcError]]] = {
    "800,000 attributes": (ENVELOPE.format(TAGS["attributes"]), LimitExceededError),
    "800,000 namespaces": (ENVELOPE.format(TAGS["namespaces"]), LimitExceededError),
    "1,000,000 elements deep": (ENVELOPE.format("<a>" * 1_000_000), LimitExceededError),
    "a billion laughs": (
        LAUGHS + ENVELOPE.format("<returnval><key>&a9;</key></returnval>"),
        ProtocolError,
    ),
}


def _asked(world: World, answer: str, error: type[NfcError]) -> None:
    """Asks on a lease of the script, and gets no answer that pyvmomi's parser has to read."""
    world.simulator.inject("raw_reply", method=CALL, body=answer)
    began = time.process_time()
    with world.fails(error, says=CALL), HttpNfcLease(world.vm.ExportVm()) as lease:
        lease.wait_ready(10)
        lease.GetManifest()
    world.simulator.clear()
    world.numbers["CPU"] = time.process_time() - began
    # With the lease around it. The expat of many Pythons takes half a minute for such a tag alone.
    world.expect(world.numbers["CPU"] < 5.0, "it is refused at once")


@case(
    "H48",
    "a call of the script is answered by a tag of 800,000 attributes, or by what expands",
    "LimitExceededError or ProtocolError at once: pyvmomi's parser, which has no limits, gets none",
    faces=BLOCKING,
    variants=ANSWERS,
)
def handed_on(world: World, how: tuple[str, type[NfcError]]) -> None:
    _asked(world, *how)


def _by_the_core(world: World) -> None:
    until = time.monotonic() + 2
    while time.monotonic() < until:
        _asked(world, *ANSWERS["800,000 attributes"])
        world.failed = False


def _by_pyvmomi(world: World) -> None:
    """A call that is not the lease's: pyvmomi's own stub and parser, which holds the GIL."""
    import io

    from pyVmomi.SoapAdapter import SoapResponseDeserializer

    tag = "<returnval {}/>".format(" ".join(f'a{n}="1"' for n in range(200_000)))
    answer = ENVELOPE.format(tag).encode()
    began = time.monotonic()
    reader: Any = SoapResponseDeserializer(world.service._stub)
    try:
        reader.Deserialize(io.BytesIO(answer), object)
    except Exception as error:
        world.texts.append(repr(error)[:200])
    world.numbers["pyvmomi's parser"] = time.monotonic() - began
    time.sleep(1.0)


BUSY: dict[str, Callable[[World], object]] = {
    "800,000 attributes, refused": _by_the_core,
    "200,000 attributes, by pyvmomi's parser": _by_pyvmomi,
}


@case(
    "T08",
    "a tag of very many attributes comes in answer to a call of the script, or of another object",
    "a lease beside it is renewed as often as before, while either parser reads it",
    faces=BLOCKING,
    variants=BUSY,
    deadline=60.0,
)
def wide(world: World, busy: Callable[[World], object]) -> None:
    cadence(world, busy)
