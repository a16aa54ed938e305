"""Sessions: the cookie, Login and Logout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nfclease.simulator.registry import Call, handles
from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Managed, Session, World, now

# With the quotes: a real server does not know the value without them.
_COOKIE = re.compile(r'(?:^|[;,\s])vmware_soap_session="([^"]*)"')


def session_of(
    world: World, headers: Mapping[str, str], soap_header: Mapping[str, str]
) -> Session | None:
    """The session of a request.

    By its cookie, its ``vcSessionCookie`` SOAP header, or the ``vmware-api-session-id`` header of
    vSphere's newer APIs (VI JSON).
    """
    match = _COOKIE.search(headers.get("Cookie", ""))
    if match:
        return world.sessions.get(match.group(1))
    value = soap_header.get("vcSessionCookie") or headers.get("vmware-api-session-id", "")
    return world.sessions.get(value.strip('"'))


class SessionManager(Managed):
    """vim.SessionManager."""

    def __init__(self, world: World, moid: str) -> None:
        super().__init__(
            world,
            vim.SessionManager,
            moid,
            defaultLocale="en",
            messageLocaleList=["en"],
            supportedLocaleList=["en"],
            message="",
            sessionList=lambda: [s.user_session() for s in world.sessions.values()],
        )
        self.tickets: set[str] = set()


@handles(vim.SessionManager, "Login")
async def login(manager: SessionManager, call: Call) -> Any:
    """Checks the password and sets the cookie."""
    options = manager.world.options
    if (call.arg("userName"), call.arg("password")) != (options.user, options.password):
        raise fault("vim.fault.InvalidLogin")
    if call.arg("locale", "en") not in ("en", "en_US"):
        raise fault("vim.fault.InvalidLocale")
    return _begin(manager, call)


@handles(vim.SessionManager, "AcquireCloneTicket")
async def acquire_ticket(manager: SessionManager, call: Call) -> str:
    """A ticket for one more login of the same user."""
    ticket = f"cst-VCT-{manager.world.uuid()}"
    manager.tickets.add(ticket)
    return ticket


@handles(vim.SessionManager, "CloneSession")
async def clone(manager: SessionManager, call: Call) -> Any:
    """Logs in by a ticket, which is good for once."""
    if call.arg("cloneTicket") not in manager.tickets:
        raise fault("vim.fault.InvalidLogin")
    manager.tickets.discard(call.arg("cloneTicket"))
    return _begin(manager, call)


@handles(vim.SessionManager, "LoginByToken", "LoginBySSPI", "LoginExtensionByCertificate")
async def refuse_login(manager: SessionManager, call: Call) -> None:
    """Refuses a login of another kind: nobody here has a token or a certificate."""
    raise fault("vim.fault.InvalidLogin")


@handles(vim.SessionManager, "Logout")
async def logout(manager: SessionManager, call: Call) -> None:
    """Ends the session."""
    if call.session is not None:
        _end(manager.world, call.session)


@handles(vim.SessionManager, "SessionIsActive")
async def session_is_active(manager: SessionManager, call: Call) -> bool:
    """Whether a session with this key is logged in, as this user."""
    return (call.arg("sessionID"), call.arg("userName")) in {
        (session.key, session.user) for session in manager.world.sessions.values()
    }


@handles(vim.SessionManager, "TerminateSession")
async def terminate_session(manager: SessionManager, call: Call) -> None:
    """Ends other sessions by their keys."""
    wanted = call.arg("sessionId", [])
    if call.session and call.session.key in wanted:
        raise fault("vmodl.fault.InvalidArgument", invalidProperty="sessionId")
    if set(wanted) - {session.key for session in manager.world.sessions.values()}:
        raise fault("vim.fault.NotFound")
    for session in list(manager.world.sessions.values()):
        if session.key in wanted:
            _end(manager.world, session)


def _begin(manager: SessionManager, call: Call) -> Any:
    options = manager.world.options
    session = Session(
        manager.world.uuid(), manager.world.uuid(), options.user, call.user_agent, now()
    )
    manager.world.sessions[session.cookie] = session
    secure = " Secure;" if options.tls else ""
    call.reply_headers["Set-Cookie"] = (
        f'vmware_soap_session="{session.cookie}"; Path=/; HttpOnly;{secure} '
    )
    call.session = session
    return session.user_session()


def _end(world: World, session: Session) -> None:
    """Ends a session, and the views, filters and collectors that it owns."""
    world.sessions.pop(session.cookie, None)
    for owned in session.owned:
        owned.forget()
    world.touch()
