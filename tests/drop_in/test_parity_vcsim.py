"""The parity table against vcsim, for what it has; its leases are gone when they have ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim

from ..peers.leases import export_lease, import_spec
from ..peers.run import Vcsim
from ..support.waiting import wait_for
from .parity.comparing import outcome, undocumented, wrapped
from .parity.operations import calls, identity, nested_fault, reads


@pytest.fixture
def service(vcsim: Vcsim) -> Iterator[Any]:
    with vcsim.connect() as session:
        yield session


def of_export(service: Any) -> Any:
    return export_lease(service)


def of_import(service: Any) -> Any:
    pool, spec = import_spec(service, f"parity-{time.monotonic_ns()}", 1 << 20)
    lease = pool.ImportVApp(spec.importSpec)
    wait_for(lambda: lease.state == vim.HttpNfcLease.State.ready, 10)
    return lease


def completed(service: Any) -> Any:
    lease = export_lease(service)
    lease.Complete()
    return lease


def aborted(service: Any) -> Any:
    lease = export_lease(service)
    lease.Abort(nested_fault())
    return lease


def unknown(service: Any) -> Any:
    return vim.HttpNfcLease("no-such-lease", service._stub)


def logged_out(service: Any) -> Any:
    lease = export_lease(service)
    service.content.sessionManager.Logout()
    return lease


STATES = [of_export, of_import, completed, aborted, unknown, logged_out]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_read_and_called(service: Any, state: Any) -> None:
    table = [op for op in [*identity(), *reads(), *calls()] if not op.ends]
    lease = state(service)
    ours = wrapped(lease)
    outcomes = [(outcome(op, lease), outcome(op, ours)) for op in table]
    ours.close()
    assert undocumented(table, outcomes) == {}
    if state is of_export:
        outcome_of = {op.name: theirs for op, (theirs, _) in zip(table, outcomes, strict=True)}
        assert outcome_of["state"][1] == "'ready'"


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_ended(vcsim: Vcsim, state: Any) -> None:
    for op in (op for op in calls() if op.ends):
        outcomes = []
        for wrap in (lambda lease: lease, wrapped):
            with vcsim.connect() as service:
                lease = wrap(state(service))
                outcomes.append(outcome(op, lease))
                outcomes.append(outcome(reads()[2], lease))
                if wrap is wrapped:
                    lease.close()
        assert outcomes[:2] == outcomes[2:], op.name
