"""Each operation on pyvmomi's lease and on ours, in each state of the lease: no other outcome."""

from __future__ import annotations

from typing import Any

import pytest

from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

from ..support.inventory import demo_vm_of
from .parity.comparing import documented, outcome, undocumented, wrapped
from .parity.operations import Operation, calls, identity, reads
from .parity.states import FAULTS, STATES, Session, lease_calls

STATE_AND_ERROR = Operation("state, error", lambda lease: (lease.state, lease.error))


@pytest.mark.parametrize("state", STATES)
def test_the_same_lease_read_and_called(session: Session, state: str) -> None:
    """Operations that leave the lease as it is, on one and the same lease."""
    table = [op for op in [*identity(), *reads(), *calls()] if not op.ends]
    lease = getattr(session, state)()
    ours = wrapped(lease)
    before = len(lease_calls(session.simulator, lease._moId))
    outcomes = [(outcome(op, lease), outcome(op, ours)) for op in table]
    sent = lease_calls(session.simulator, lease._moId)[before:]
    ours.close()
    assert undocumented(table, outcomes) == {}
    assert sent[::2] == sent[1::2]
    assert len(sent) > 40


@pytest.mark.parametrize("state", STATES)
def test_two_leases_ended(session: Session, state: str) -> None:
    """Operations that end a lease, each on a fresh one; the server sees equal bytes."""
    for op in (op for op in calls() if op.ends):
        theirs, ours = getattr(session, state)(), wrapped(getattr(session, state)())
        simulator = session.simulator
        their_calls = len(lease_calls(simulator, theirs._moId))
        our_calls = len(lease_calls(simulator, ours._moId))
        assert outcome(op, ours) == outcome(op, theirs), op.name
        after = [
            lease_calls(simulator, lease._moId)[before:]
            for lease, before in ((theirs, their_calls), (ours, our_calls))
        ]
        if theirs._moId == ours._moId:
            assert after[1][:1] == after[1][1:], op.name
        else:
            assert after[0] == after[1], op.name
        assert outcome(STATE_AND_ERROR, ours) == outcome(STATE_AND_ERROR, theirs), op.name
        ours.close()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.get('fault', fault['kind'])}")
def test_what_the_server_raises(session: Session, fault: dict[str, Any]) -> None:
    """The same class, texts, causes and traceback from the core's calls as from pyvmomi's."""
    table = [
        op
        for op in [*reads(), *calls()]
        if op.name.endswith(("()", "(37)")) or op.name in ("state", "info", "error", "mode")
    ]
    theirs, ours = session.ready(), wrapped(session.ready())
    params = dict(fault)
    session.simulator.inject(params.pop("kind"), **params)
    outcomes = [(outcome(op, theirs), outcome(op, ours)) for op in table]
    session.simulator.clear()
    ours.close()
    theirs.Abort()
    assert undocumented(table, outcomes) == {}
    assert {their[0] for their, _ in outcomes} == {"raised"}


def test_the_differences_that_are_no_operation() -> None:
    """No stub, and a server that is gone: another class, caught by the same handlers."""
    with Simulator(initializing=0.0) as simulator:
        service = simulator.connect()
        lease = demo_vm_of(service).ExportVm()
        ours = wrapped(lease)
        assert {"no stub", "connection errors"} <= documented()
        with pytest.raises(TypeError, match="no session"):
            HttpNfcLease(lease._moId)
    for read in (lambda: lease.state, lambda: ours.state):
        with pytest.raises(OSError):  # noqa: PT011 - the class is what differs
            read()
    service._stub.DropConnections()
    ours.close()


def test_the_docs_list_fewer_than_five_differences() -> None:
    assert 0 < len(documented()) < 5
