"""The control endpoint: how a test, from another process, asks and scripts the simulator."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from nfclease.simulator.model import Machine, World


class Control:
    """``POST /control`` with ``{"op": ..., ...}``, guarded by a token that changes at each start."""

    def __init__(self, world: World) -> None:
        self.token = secrets.token_urlsafe(16)
        self._world = world
        self._ops: dict[str, Callable[..., Any]] = {
            "calls": world.recorder.calls_as_dicts,
            "requests": world.recorder.requests_as_dicts,
            "reset": self._reset,
            "inject": lambda fault, match, count, params: world.faults.inject(
                fault, match, count, **params
            ),
            "clear": world.faults.clear,
            "leases": self._leases,
            "expire": self._expire,
            "add_vm": lambda name, **options: world.add_machine(name, **options).moid,
            "vm_files": self._vm_files,
            "set": self._set,
        }

    async def handle(self, request: web.Request) -> web.Response:
        """One operation."""
        token = request.headers.get("X-Control-Token", "")
        if not secrets.compare_digest(token, self.token):
            return web.Response(status=403)
        arguments = await request.json()
        try:
            result = self._ops[arguments.pop("op")](**arguments)
        except (KeyError, TypeError, ValueError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({"result": result})

    def _reset(self) -> None:
        self._world.recorder.reset()
        self._world.faults.clear()

    def _leases(self) -> list[dict[str, Any]]:
        return [
            {
                "moid": lease.moid,
                "kind": lease.kind,
                "state": lease.state,
                "error": None if lease.error is None else type(lease.error).__name__,
                "error_message": None if lease.error is None else lease.error.msg,
                "percent": lease.percent,
                "last_progress_age": time.monotonic() - lease.last_progress,
                "entity": lease.entity[1],
                "manifest": {key: vars(entry) for key, entry in lease.manifest.items()},
            }
            for lease in self._world.leases.values()
        ]

    def _expire(self, moid: str | None = None) -> int:
        expired = 0
        for lease in list(self._world.leases.values()):
            if lease.moid == (moid or lease.moid) and lease.state in ("initializing", "ready"):
                self._world.keeper.expire(lease)
                expired += 1
        return expired

    def _machine(self, name: str) -> Machine:
        for machine in self._world.machines.values():
            if machine.name == name:
                return machine
        raise KeyError(name)

    def _vm_files(self, name: str) -> list[dict[str, Any]]:
        machine = self._machine(name)
        return [
            {
                "name": machine.target_id(file),
                "kind": file.kind,
                "capacity": file.capacity,
                "received": file.received,
            }
            for file in machine.files
        ]

    def _set(self, **options: Any) -> None:
        for name, value in options.items():
            if not hasattr(self._world.options, name):
                raise KeyError(name)
            setattr(self._world.options, name, value)
