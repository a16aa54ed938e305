"""The SOAP endpoint: from an HTTP request to an object's answer and back."""

from __future__ import annotations

import contextvars
import logging
from typing import Any

from aiohttp import web

from nfclease.simulator.lease.wire import drop
from nfclease.simulator.recorder import summary
from nfclease.simulator.registry import Call, handler_of
from nfclease.simulator.services.properties import read
from nfclease.simulator.services.session import session_of
from nfclease.simulator.soap import envelope
from nfclease.simulator.soap.vsphere import MethodFault, fault, support
from nfclease.simulator.world import World

_log = logging.getLogger(__name__)
#: Calls that need no session.
_OPEN = {
    "RetrieveServiceContent",
    "CurrentTime",
    "Login",
    "CloneSession",
    "LoginBySSPI",
    "LoginByToken",
    "LoginExtensionByCertificate",
}
#: Objects that can be read without one.
_PUBLIC = {"ServiceInstance", "SessionManager"}
_READS = {"Fetch", "RetrieveProperties", "RetrievePropertiesEx"}
#: The call that is being answered, for properties that depend on who asks.
current: contextvars.ContextVar[Call] = contextvars.ContextVar("current")


class Endpoint:
    """``POST /sdk``."""

    def __init__(self, world: World) -> None:
        self.world = world
        manager = world.objects["SessionManager"]
        manager.props["currentSession"] = self._current_session

    @staticmethod
    def _current_session() -> Any:
        session = current.get().session
        return session.user_session() if session else None

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Answers one call."""
        body = await request.read()
        version = self._version(request.headers.get("SOAPAction", ""))
        try:
            parsed = envelope.parse(body)
        except MethodFault as error:
            record = self.world.recorder.call(body, method="", moid="", session=None, args={})
            record["result"] = type(error).__name__
            return self._reply(envelope.refusal(error, version), 500)
        session = session_of(self.world, request.headers, parsed.header)
        if session is not None:
            session.calls += 1
        call = Call(
            method=parsed.method,
            this=parsed.this,
            args=parsed.args,
            version=version,
            session=session,
            user_agent=request.headers.get("User-Agent", ""),
        )
        record = self.world.recorder.call(
            body,
            method=call.method,
            moid=call.this._moId,
            session=session.key if session else None,
            args=summary(call.args),
            headers=dict(request.headers),
        )
        return await self._faulty(request, parsed, call, record)

    async def _faulty(
        self, request: web.Request, parsed: envelope.Request, call: Call, record: dict[str, Any]
    ) -> web.StreamResponse:
        """Lets injected faults have their say, before or after the call is done."""
        facts = {"method": call.method, "lease": call.this._moId, "listener": "vcenter"}
        take = self.world.faults.take
        delay = take("soap_delay", facts)
        if delay is not None:
            await self.world.faults.delay(delay, 1)
        for kind in ("drop", "soap_status", "raw_reply", "soap_fault"):
            params = take(kind, facts)
            if params is None:
                continue
            if params.get("after"):
                await self._answer(parsed, call, record)
            record["result"] = kind
            if kind == "drop":
                return drop(request)
            if kind == "soap_fault":
                error = fault(params.get("fault", "vmodl.fault.SystemError"), params.get("message"))
                record["result"] = type(error).__name__
                return self._reply(envelope.refusal(error, call.version), 500)
            status = params.get("code", 503 if kind == "soap_status" else 200)
            return self._reply(params.get("body", ""), status)
        text, status = await self._answer(parsed, call, record)
        return self._reply(text, status, call.reply_headers)

    async def _answer(
        self, parsed: envelope.Request, call: Call, record: dict[str, Any]
    ) -> tuple[str, int]:
        current.set(call)
        try:
            result = await self._dispatch(parsed.info, call)
            text = envelope.answer(parsed, result, call.version)
        except MethodFault as error:
            record["result"] = type(error).__name__
            return envelope.refusal(error, call.version), 500
        except Exception as error:
            _log.exception("%s failed", call.method)
            record["result"] = "vmodl.fault.SystemError"
            broken = fault("vmodl.fault.SystemError", f"simulator: {error!r}", reason=repr(error))
            return envelope.refusal(broken, call.version), 500
        record["result"] = "ok"
        return text, 200

    async def _dispatch(self, info: Any, call: Call) -> Any:
        if call.session is None and not self._is_open(call):
            raise fault("vim.fault.NotAuthenticated", object=call.this, privilegeId="System.View")
        managed = self.world.find(call.this)
        if call.method == "Fetch":
            return read(managed, call.arg("prop", ""), call.version)
        handler = handler_of(managed.ref, call.method)
        if handler is None or not support.IsChildVersion(call.version, info.version):
            raise fault("vmodl.fault.MethodNotFound", receiver=call.this, method=call.method)
        _refuse_incomplete(info, call)
        return await handler(managed, call)

    @staticmethod
    def _is_open(call: Call) -> bool:
        if call.method in _OPEN or (call.method == "Fetch" and call.this._moId in _PUBLIC):
            return True
        specs = call.arg("specSet", [])
        starts = [start.obj._moId for spec in specs for start in spec.objectSet]
        return call.method in _READS and bool(starts) and set(starts) <= _PUBLIC

    def _version(self, action: str) -> str:
        """The version that the client speaks, but none newer than what this server is."""
        newest = self.world.version
        namespace = action.strip('" ').removeprefix("urn:")
        asked = support.versionMap.get(namespace)
        if asked is None or not support.IsChildVersion(newest, asked):
            return newest
        return str(asked)

    @staticmethod
    def _reply(text: str, status: int, headers: dict[str, str] | None = None) -> web.Response:
        return web.Response(
            text=text,
            status=status,
            headers={"Cache-Control": "no-cache", **(headers or {})},
            content_type="text/xml",
            charset="utf-8",
        )


def _refuse_incomplete(info: Any, call: Call) -> None:
    """Raises InvalidRequest if an argument that the method needs is not there."""
    for param in info.params:
        if not param.flags & support.F_OPTIONAL and param.name not in call.args:
            message = f"Missing value for required parameter {param.name} of {call.method}"
            raise fault("vmodl.fault.InvalidRequest", message)


def service_versions(world: World) -> str:
    """``/sdk/vimServiceVersions.xml``: what a client chooses its version from."""
    ids = [
        support.versionIdMap[version]
        for version in support.GetServiceVersions("vim25")
        if support.nsMap[version] == "vim25"
        and version != world.version
        and support.IsChildVersion(world.version, version)
        and support.versionIdMap[version][:1].isdigit()
    ]
    prior = "".join(f"<version>{text}</version>" for text in ids)
    return (
        '<?xml version="1.0" encoding="UTF-8" ?>\n<namespaces version="1.0"><namespace>'
        f"<name>urn:vim25</name><version>{world.api_version}</version>"
        f"<priorVersions>{prior}</priorVersions></namespace></namespaces>\n"
    )
