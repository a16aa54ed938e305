"""The control plane: ``POST /control`` with the token, for tests and demos."""

from __future__ import annotations

import dataclasses
import hmac
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from nfclease.simulator.inventory.devices import VmFile
from nfclease.simulator.inventory.holding import Holding, end_all
from nfclease.simulator.inventory.inventory import Inventory
from nfclease.simulator.inventory.machine import Machine
from nfclease.simulator.lease.lease import Lease
from nfclease.simulator.lease.view import describe
from nfclease.simulator.world import World

TOKEN_HEADER = "X-Control-Token"

_OF_UPLOADS = {"upload_status", "chunked_uploads", "octet_stream"}
#: What ``set`` can turn while it runs, beside the bandwidth.
_RESET = {"exclusive_leases", *_OF_UPLOADS}
KNOBS = {"lease_timeout", "initializing", "stable_streams", *_RESET}
_LIFTED = {"bandwidth", "upload_status"}
_HELD = ("initializing", "ready")


class Control:
    """Operations by name; each takes and returns JSON."""

    def __init__(self, world: World, inventory: Inventory, token: str) -> None:
        self.world = world
        self.inventory = inventory
        self._token = token
        self._started_with = {name: getattr(world.options, name) for name in world.options.names()}
        self._forgotten: set[str] = set()
        self._operations: dict[str, Callable[..., Any]] = {
            "calls": self.calls,
            "requests": self.requests,
            "leases": self.leases,
            "inject": self.inject,
            "clear": self.clear,
            "expire": self.expire,
            "reset": self.reset,
            "add_vm": self.add_vm,
            "add_vapp": self.add_vapp,
            "add_vms": self.inventory.add_vms,
            "hold_vm": self.hold_vm,
            "free_vm": self.free_vm,
            "vm_files": self.vm_files,
            "set": self.set,
        }

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Does one operation."""
        if not hmac.compare_digest(request.headers.get(TOKEN_HEADER, ""), self._token):
            return web.Response(status=403)
        asked = json.loads(await request.read())
        operation = self._operations.get(asked.get("operation", ""))
        if operation is None:
            return web.json_response({"error": "no such operation"}, status=400)
        try:
            result = operation(**asked.get("arguments", {}))
        except (ValueError, TypeError, KeyError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"result": result})

    def calls(self, method: str | None = None, moid: str | None = None) -> list[dict[str, Any]]:
        """Recorded calls."""
        return [
            call
            for call in self.world.recorder.calls
            if method in (None, call["method"]) and moid in (None, call["moid"])
        ]

    def requests(self) -> list[dict[str, Any]]:
        """Recorded data requests."""
        return [dataclasses.asdict(transfer) for transfer in self.world.recorder.transfers]

    def leases(self) -> list[dict[str, Any]]:
        """All leases there have been, without what is forgotten."""
        return [describe(m) for m in self._leases() if m.moid not in self._forgotten]

    def _leases(self) -> list[Lease]:
        return [m for m in self.world.objects.values() if isinstance(m, Lease)]

    def inject(
        self,
        kind: str,
        match: str | dict[str, str] | None,
        count: int | None,
        params: dict[str, Any],
    ) -> int:
        """Puts a fault in place."""
        return self.world.faults.inject(kind, match, count, params)

    def clear(self, fault_id: int | None = None) -> None:
        """Removes faults."""
        self.world.faults.clear(fault_id)

    def expire(self, moid: str | None = None) -> int:
        """Lets leases expire; returns how many."""
        held = [m for m in self._leases() if moid in (None, m.moid) and m.state in _HELD]
        for lease in held:
            lease.expire()
        return len(held)

    def reset(self) -> None:
        """Forgets calls, requests, faults and knobs, and leases that have ended."""
        self._forgotten |= {m.moid for m in self._leases() if m.state not in _HELD}
        self.world.recorder.reset()
        self.world.faults.clear()
        self.world.bandwidth = None
        for managed in list(self.world.objects.values()):
            if isinstance(managed, Machine):
                end_all(managed)
        for name in _RESET:
            setattr(self.world.options, name, self._started_with[name])

    def add_vm(self, name: str, **options: Any) -> str:
        """Makes a VM; returns its moid."""
        return self.inventory.add_vm(name, **options).moid

    def add_vapp(self, name: str, **options: Any) -> str:
        """Makes a vApp with VMs; returns its moid."""
        return self.inventory.add_vapp(name, **options).moid

    def hold_vm(self, name: str, method: str, user: str, age: float, cancelable: bool) -> str:
        """Lets a task of somebody's hold a VM; returns its moid."""
        return Holding(self._machine(name), method, user, age, cancelable).moid

    def free_vm(self, name: str) -> None:
        """Ends such tasks."""
        end_all(self._machine(name))

    def vm_files(self, name: str) -> list[dict[str, Any]]:
        """The files of a VM."""
        return [_file(file) for file in self._machine(name).files]

    def _machine(self, name: str) -> Machine:
        machine = self.inventory.machine(name)
        if machine is None:
            raise ValueError(f"VM {name!r} does not exist")
        return machine

    def set(self, **knobs: Any) -> None:
        """Turns global knobs; bandwidth 0 lifts the limit, ``upload_status`` 0 the answer.

        Raises:
            ValueError: The knob is unknown.
        """
        unknown = knobs.keys() - KNOBS - {"bandwidth"}
        if unknown:
            raise ValueError(f"no knob {', '.join(sorted(unknown))}")
        for name, value in knobs.items():
            if value is not None:
                target = self.world if name == "bandwidth" else self.world.options
                setattr(target, name, value or None if name in _LIFTED else value)


def _file(file: VmFile) -> dict[str, Any]:
    return {
        "name": file.path.rpartition("/")[2],
        "path": file.path,
        "kind": file.kind,
        "device": file.device,
        "size": file.received[0] if file.received else file.size,
        "sha1": file.received[1] if file.received else None,
        "capacity": file.capacity,
        "received": file.received,
    }
