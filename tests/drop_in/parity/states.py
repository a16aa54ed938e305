"""Leases in each state, and what a server may raise, for the parity table."""

from __future__ import annotations

import time
from typing import Any

from pyVim.connect import Disconnect
from pyVmomi import vim

from nfclease.simulator import Simulator

from ...support.imports import import_spec, import_vm
from ...support.inventory import demo_vm_of
from ...support.waiting import wait_for
from .operations import nested_fault


class Session:
    """A session of its own, so that it can be ended."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.service = simulator.connect()
        self.ended = False

    def lease(self) -> Any:
        return demo_vm_of(self.service).ExportVm()

    def ready(self) -> Any:
        lease = self.lease()
        wait_for(lambda: lease.state == "ready", 10)
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
        vm = demo_vm_of(self.service)
        spec = import_spec(self.service, vm, f"p{time.monotonic_ns()}")
        lease = import_vm(vm, spec)
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
