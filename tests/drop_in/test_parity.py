"""Each operation on pyvmomi's lease and on ours, in each state of the lease: no other outcome."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pyVim.connect import Disconnect
from pyVmomi import vim

from nfclease import HttpNfcLease
from nfclease.simulator import Simulator

from ..conftest import find
from .parity.comparing import documented, outcome, undocumented, wrapped
from .parity.operations import Operation, calls, identity, nested_fault, reads

STATE_AND_ERROR = Operation("state, error", lambda lease: (lease.state, lease.error))


class Session:
    """A session of its own, so that it can be ended."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.service = simulator.connect()
        self.ended = False

    def lease(self) -> Any:
        return find(self.service, vim.VirtualMachine, "demo-vm").ExportVm()

    def ready(self) -> Any:
        lease = self.lease()
        deadline = time.monotonic() + 10
        while lease.state != "ready":
            assert time.monotonic() < deadline
        return lease

    def done(self) -> Any:
        lease = self.ready()
        lease.Complete()
        return lease

    def initializing(self) -> Any:
        self.simulator.inject("init_forever", count=1)
        return self.lease()

    def timed_out(self) -> Any:
        lease = self.ready()
        assert self.simulator.expire(lease._moId) == 1
        return lease

    def aborted(self) -> Any:
        lease = self.ready()
        lease.Abort(nested_fault())
        return lease

    def unknown(self) -> Any:
        return vim.HttpNfcLease("session[52ad0e1c-7b]no-such-lease", self.service._stub)

    def import_ready(self) -> Any:
        ovf = self.service.content.ovfManager
        vm = find(self.service, vim.VirtualMachine, "demo-vm")
        descriptor = ovf.CreateDescriptor(vm, vim.OvfManager.CreateDescriptorParams(name="x"))
        params: Any = vim.OvfManager.CreateImportSpecParams(entityName=f"p{time.monotonic_ns()}")
        pool, store = vm.resourcePool, vm.datastore[0]
        spec = ovf.CreateImportSpec(descriptor.ovfDescriptor, pool, store, params)
        lease = pool.ImportVApp(spec.importSpec, vm.parent)
        while lease.state == "initializing":
            time.sleep(0.01)
        return lease

    def logged_out(self) -> Any:
        if self.ended:
            return vim.HttpNfcLease("session[1]lease-1", self.service._stub)
        lease = self.ready()
        Disconnect(self.service)
        self.ended = True
        return lease

    def close(self) -> None:
        self.simulator.clear()
        if not self.ended:
            Disconnect(self.service)
        self.service._stub.DropConnections()


STATES = (
    "initializing",
    "ready",
    "import_ready",
    "done",
    "timed_out",
    "aborted",
    "unknown",
    "logged_out",
)


@pytest.fixture
def session(simulator: Simulator) -> Any:
    session = Session(simulator)
    yield session
    session.close()


def future_fault(name: str) -> str:
    """A fault with a field that no pyvmomi knows, or of such a type."""
    return (
        '<?xml version="1.0"?><soapenv:Envelope'
        ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault>'
        "<faultcode>ServerFaultCode</faultcode><faultstring>from the future</faultstring>"
        f'<detail><{name}Fault xmlns="urn:vim25" xsi:type="{name}"><news>1</news></{name}Fault>'
        "</detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )


def lease_calls(simulator: Simulator, moid: str) -> list[tuple[str, str]]:
    """What the server was sent for a lease; how an attribute is read may differ."""
    return [
        (call["method"], call["raw"].replace(moid, "<moId>"))
        for call in simulator.calls(moid=moid)
        if call["method"].startswith("HttpNfcLease")
    ]


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


FAULTS: list[dict[str, Any]] = [
    *(
        {"kind": "soap_fault", "fault": name, "message": "said <so> & é"}
        for name in (
            "vim.fault.Timedout",
            "vim.fault.InvalidState",
            "vmodl.fault.InvalidArgument",
            "vim.fault.NotAuthenticated",
            "vmodl.fault.ManagedObjectNotFound",
            "vim.fault.HttpFault",
            "vim.fault.SSLVerifyFault",
            "vmodl.fault.SystemError",
            "vmodl.fault.MethodNotFound",
        )
    ),
    {"kind": "raw_reply", "code": 500, "body": future_fault("FutureFault")},
    {"kind": "raw_reply", "code": 500, "body": future_fault("InvalidState")},
    {"kind": "raw_reply", "code": 500, "body": "<html>busy</html>"},
    {"kind": "raw_reply", "code": 200, "body": "no XML at all"},
    {"kind": "raw_reply", "code": 200, "body": ""},
    {"kind": "soap_status", "code": 503},
    {"kind": "soap_status", "code": 401},
]


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
        lease = find(service, vim.VirtualMachine, "demo-vm").ExportVm()
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
