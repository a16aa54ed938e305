"""The sessions of one run in one process: one for each name, used by all of its jobs here."""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import suppress

from pyVmomi import vim, vmodl

from nfclease import _open_leases
from nfclease._log import logger
from nfclease._text import reason_of
from nfclease.fleet.sessions import name_of, opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.fleet.sessions import SessionFrom


#: Seconds for which the server need not be asked again whether it knows a session.
_FRESH = 1.0
#: Seconds for which the end of a run waits for a login that is under way.
_PATIENCE = 2.0


class _Login:
    """A session that is opened when it is first asked for; one thread at a time logs in."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.service: Any = None
        self.manager: Any = None
        #: When the server last knew it, of ``time.monotonic``.
        self.known = -_FRESH
        #: Where it logs in, for people; empty if only the script's factory knows.
        self.address = ""
        #: The run has ended: who still logs in logs out again by itself.
        self.is_over = False


class Logins:
    """Opens each session when it is first asked for, again when it has expired, and closes all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logins: dict[str, _Login] = {}

    def session(self, source: str | SessionFrom, path: str | None = None) -> Any:
        """A ``vim.ServiceInstance`` that the server knows, or knew a second ago.

        Args:
            source: A job's ``session``.
            path: Of the factory, where the job comes from another process.

        Raises:
            SessionSourceError: It is not known how to log in.
            Exception: What the login or the server raised.
        """
        with self._lock:
            login = self._logins.setdefault(name_of(source), _Login())
        with login.lock:
            if (service := self.at_hand(source)) is not None:
                return service
            if login.service is not None and not _is_alive(login.manager):
                logger().warning("the session %s has expired: it logs in again", name_of(source))
                _drop(login)
            if login.service is None:
                service = opened(source, path)
                login.service, login.manager = service, service.content.sessionManager
                login.address = _address(service) or login.address
            if login.is_over:
                _log_out(name_of(source), login)
                raise RuntimeError(f"the run has ended, and {name_of(source)} is logged out")
            login.known = time.monotonic()
            return login.service

    def at_hand(self, source: str | SessionFrom) -> Any | None:
        """The session where the server knew it a moment ago, else None; waits for nobody."""
        login = self._logins.get(name_of(source))
        if login is None or login.known + _FRESH <= time.monotonic():
            return None
        return login.service

    def doubt(self, source: str | SessionFrom) -> None:
        """Has the server asked whether it knows a session when that is wanted next."""
        login = self._logins.get(name_of(source))
        if login is not None:
            login.known = -_FRESH

    def address(self, source: str | SessionFrom) -> str:
        """The server of a session, as messages name it: host and port, else the session's name."""
        login = self._logins.get(name_of(source))
        if login is not None and login.address:
            return login.address
        return f"session {name_of(source)}" if isinstance(source, str) else source.address

    def cancel_leases(self, reason: str, timeout: float) -> None:
        """Ends the leases of all these sessions."""
        for login in list(self._logins.values()):
            service = login.service
            if service is not None:
                _open_leases.cancel_of_session(service._stub, reason, timeout)

    def close(self) -> None:
        """Logs out; a session that is asked for after this logs in again."""
        with self._lock:
            logins, self._logins = self._logins, {}
        for name, login in logins.items():
            login.is_over = True
            # A server that does not answer a login is not waited for.
            if login.lock.acquire(timeout=_PATIENCE):
                try:
                    _log_out(name, login)
                finally:
                    login.lock.release()


def _log_out(name: str, login: _Login) -> None:
    if login.service is None:
        return
    try:
        login.manager.Logout()
    except Exception as error:  # it may have expired, or the server be away
        logger().info("the logout of %s failed: %s", name, reason_of(error))
    _drop(login)


def _is_alive(manager: Any) -> bool:
    """Whether the server still knows the session: it says which one it is."""
    try:
        try:
            return manager.currentSession is not None
        except (OSError, http.client.HTTPException):
            # A kept connection may be dead since the server started again: on a new one, then.
            return manager.currentSession is not None
    except (vim.fault.NotAuthenticated, vmodl.fault.ManagedObjectNotFound):
        return False


def _address(service: Any) -> str:
    """Host and port of a pyvmomi stub; empty if it does not say."""
    stub = service._stub
    found = getattr(getattr(stub, "soapStub", stub), "host", "")
    return found if isinstance(found, str) else ""


def _drop(login: _Login) -> None:
    with suppress(Exception):
        login.service._stub.DropConnections()
    login.service = login.manager = None
