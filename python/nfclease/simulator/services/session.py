"""Sessions: the cookie, Login and Logout."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Mapping
from typing import Any

from nfclease.simulator.soap.vsphere import fault, vim
from nfclease.simulator.world import Call, Managed, World, answers

# With the quotes: a real server does not know the value without them.
_COOKIE = re.compile(r'(?:^|[;,\s])vmware_soap_session="([^"]*)"')


@dataclasses.dataclass
class Session:
    """A login. The ``key`` is public, in currentSession; the ``cookie`` is the secret."""

    key: str
    cookie: str
    user: str
    user_agent: str
    login_time: datetime.datetime
    #: Objects that go with the session: views, collectors, filters.
    owned: list[Managed] = dataclasses.field(default_factory=list)
    calls: int = 0

    def user_session(self) -> Any:
        """The session as the API shows it."""
        return vim.UserSession(
            key=self.key,
            userName=self.user,
            fullName=self.user,
            loginTime=self.login_time,
            lastActiveTime=now(),
            locale="en",
            messageLocale="en",
            extensionSession=False,
            ipAddress="127.0.0.1",
            userAgent=self.user_agent,
            callCount=self.calls,
        )


def now() -> datetime.datetime:
    """The time, with its zone."""
    return datetime.datetime.now(datetime.timezone.utc)


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
        self._tickets: set[str] = set()

    @answers("Login")
    async def login(self, call: Call) -> Any:
        """Checks the password and sets the cookie."""
        options = self.world.options
        if (call.arg("userName"), call.arg("password")) != (options.user, options.password):
            raise fault("vim.fault.InvalidLogin")
        if call.arg("locale", "en") not in ("en", "en_US"):
            raise fault("vim.fault.InvalidLocale")
        return self._begin(call)

    def _begin(self, call: Call) -> Any:
        options = self.world.options
        session = Session(
            self.world.uuid(), self.world.uuid(), options.user, call.user_agent, now()
        )
        self.world.sessions[session.cookie] = session
        secure = " Secure;" if options.tls else ""
        call.reply_headers["Set-Cookie"] = (
            f'vmware_soap_session="{session.cookie}"; Path=/; HttpOnly;{secure} '
        )
        call.session = session
        return session.user_session()

    @answers("AcquireCloneTicket")
    async def acquire_ticket(self, call: Call) -> str:
        """A ticket for one more login of the same user."""
        ticket = f"cst-VCT-{self.world.uuid()}"
        self._tickets.add(ticket)
        return ticket

    @answers("CloneSession")
    async def clone(self, call: Call) -> Any:
        """Logs in by a ticket, which is good for once."""
        if call.arg("cloneTicket") not in self._tickets:
            raise fault("vim.fault.InvalidLogin")
        self._tickets.discard(call.arg("cloneTicket"))
        return self._begin(call)

    @answers("LoginByToken", "LoginBySSPI", "LoginExtensionByCertificate")
    async def refuse_login(self, call: Call) -> None:
        """Refuses a login of another kind: nobody here has a token or a certificate."""
        raise fault("vim.fault.InvalidLogin")

    @answers("Logout")
    async def logout(self, call: Call) -> None:
        """Ends the session, and the views and filters that it owns."""
        session = call.session
        if session is not None:
            self.world.sessions.pop(session.cookie, None)
            for owned in session.owned:
                owned.forget()
            self.world.touch()

    @answers("SessionIsActive")
    async def session_is_active(self, call: Call) -> bool:
        """Whether a session with this key is logged in."""
        keys = {session.key for session in self.world.sessions.values()}
        return call.arg("sessionID") in keys

    @answers("TerminateSession")
    async def terminate_session(self, call: Call) -> None:
        """Ends other sessions by their keys."""
        wanted = call.arg("sessionId", [])
        if call.session and call.session.key in wanted:
            raise fault("vmodl.fault.InvalidArgument", invalidProperty="sessionId")
        if set(wanted) - {session.key for session in self.world.sessions.values()}:
            raise fault("vim.fault.NotFound")
        for cookie, session in list(self.world.sessions.items()):
            if session.key in wanted:
                del self.world.sessions[cookie]
