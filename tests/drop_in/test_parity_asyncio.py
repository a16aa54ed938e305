"""The same table of operations on the asyncio twin: what it awaits is what pyvmomi's gives."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ..support.faces import Driven
from .parity.comparing import outcome, undocumented
from .parity.operations import calls, reads
from .parity.states import FAULTS, STATES, Session, lease_calls

#: They take the object itself as pyvmomi's lease; `AsyncHttpNfcLease.lease` is for that.
OF_THE_OBJECT = {"PropertyCollector", "info.lease == lease"}


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def without_its_words(outcome: Any) -> Any:
    """A call with wrong arguments: Python's own TypeError, which names our method."""
    return outcome[:2] if outcome[:2] == ("raised", "builtins.TypeError") else outcome


@pytest.mark.parametrize("state", STATES)
def test_the_same_lease_read_and_called(
    session: Session, loop: asyncio.AbstractEventLoop, state: str
) -> None:
    table = [op for op in [*reads(), *calls()] if not op.ends and op.name not in OF_THE_OBJECT]
    lease = getattr(session, state)()
    ours = Driven(loop, lease, keep_alive=False)
    outcomes = [
        (without_its_words(outcome(op, lease)), without_its_words(outcome(op, ours)))
        for op in table
    ]
    ours.close()
    assert undocumented(table, outcomes) == {}
    assert len(lease_calls(session.simulator, lease._moId)) > 40


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.get('fault', fault['kind'])}")
def test_what_the_server_raises(
    session: Session, loop: asyncio.AbstractEventLoop, fault: dict[str, Any]
) -> None:
    table = [op for op in reads() if op.name in ("state", "info", "error", "mode")]
    table += [op for op in calls() if op.name.endswith(("GetManifest()", "(37)", "Complete()"))]
    theirs, ours = session.ready(), Driven(loop, session.ready(), keep_alive=False)
    params = dict(fault)
    session.simulator.inject(params.pop("kind"), **params)
    outcomes = [(outcome(op, theirs), outcome(op, ours)) for op in table]
    session.simulator.clear()
    ours.close()
    theirs.Abort()
    assert undocumented(table, outcomes) == {}
    assert {their[0] for their, _ in outcomes} == {"raised"}
    assert len(table) == 10
