"""How the jobs of a fleet log in: by a name that is registered, or by a place and a user."""

from __future__ import annotations

import os
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

from nfclease.fleet._named import loaded, path_of
from nfclease.fleet.errors import SessionSourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["SessionFrom", "register_session"]

#: What ``register_session`` was given, in this process.
_registered: dict[str, Callable[[], Any] | str] = {}
#: Seconds without a byte after which a call of pyvmomi has failed; a server that hangs never ends.
_PATIENCE = 300
#: The name of a variable, or an import path.
_SOURCE = re.compile(r"[A-Za-z_]\w*|[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", re.ASCII)


class _Own:
    """pyvmomi keeps the session of the last login; a script may rely on its own.

    Several threads may log in at once: one server that does not answer holds up no other login.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logins = 0
        self._session: Any = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """A block in which a thread logs in."""
        from pyVim import connect

        with self._lock:
            if not self._logins:
                self._session = connect.GetSi()
            self._logins += 1
        try:
            yield
        finally:
            with self._lock:
                self._logins -= 1
                connect.SetSi(self._session)
                if not self._logins:
                    self._session = None


_own = _Own()


@dataclass(frozen=True)
class SessionFrom:
    """A login as plain data, which any worker can carry out; it has no password.

    Attributes:
        host: Name or address of the vCenter or ESXi host.
        user: Who logs in.
        password_from: Where each worker finds the password: the name of an environment variable;
            an import path such as ``"keyring:get_password"`` of a function that gets host and user;
            or such a function itself.
        port: Of the SDK.
        ca_file: PEM file of the CAs to trust; the system's where none is given.
        thumbprint: Of the server's certificate, which then decides alone: SHA-1, SHA-256 or
            SHA-512, such as ``AB:CD:...``.

    Examples:
        >>> from nfclease.fleet import SessionFrom
        >>> SessionFrom("vc.example.com", "backup@vsphere.local", "VC_PASSWORD").name
        'backup@vsphere.local@vc.example.com'
    """

    host: str
    user: str
    password_from: str | Callable[[str, str], str | None] = field(repr=False)
    port: int = 443
    ca_file: str | None = None
    thumbprint: str | None = None

    def __post_init__(self) -> None:
        source = self.password_from
        if not callable(source) and not (isinstance(source, str) and _SOURCE.fullmatch(source)):
            # It is not repeated: somebody may have given the password itself.
            raise ValueError(
                "password_from must be the name of an environment variable, an import path like "
                "'module:function', or a function"
            )

    @property
    def name(self) -> str:
        """What a job's key and messages call it."""
        return f"{self.user}@{self.host}" + (f":{self.port}" if self.port != 443 else "")

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    def open(self) -> Any:
        """A new session, logged in.

        Returns:
            pyvmomi's ``vim.ServiceInstance``.

        Raises:
            SessionSourceError: The password is not where `password_from` says.
            vim.fault.InvalidLogin: User or password are wrong.
            OSError: The server cannot be reached, or is not trusted.

        Examples:
            >>> from nfclease.fleet import SessionFrom
            >>> source = SessionFrom("vc.example.com", "me", lambda host, user: None)
            >>> source.open()
            Traceback (most recent call last):
            nfclease.fleet.errors.SessionSourceError: no password for me@vc.example.com: ...
        """
        import ssl
        from inspect import signature

        from pyVim import connect

        given: dict[str, Any] = {"host": self.host, "port": self.port, "user": self.user}
        if "httpConnectionTimeout" in signature(connect.SmartConnect).parameters:  # pyvmomi 7
            given["httpConnectionTimeout"] = _PATIENCE
        if self.thumbprint is not None:
            given["thumbprint"] = self.thumbprint
            given["sslContext"] = ssl._create_unverified_context()  # the thumbprint decides
        else:
            given["sslContext"] = ssl.create_default_context(cafile=self.ca_file)
        password = self._password()
        with _own.kept():
            return connect.SmartConnect(**given, pwd=password)

    def _password(self) -> str:
        source = self.password_from
        if isinstance(source, str) and ":" not in source:
            found = os.environ.get(source)
            where = "the environment variable that password_from names is not set in this process"
        else:
            call = loaded(source, "password_from") if isinstance(source, str) else source
            found, where = call(self.host, self.user), "password_from did not return one"
        if not isinstance(found, str) or not found:
            raise SessionSourceError(f"no password for {self.name}: {where}")
        return found


def register_session(name: str, factory: Callable[[], Any] | str) -> None:
    """Gives a way to log in a name, by which jobs ask for it.

    A worker process gets the factory by its import path: give that, or a function of a module that
    workers can import. Any other callable, such as a lambda or a function of the script itself, is
    for threads of this process.

    Args:
        name: Not empty, without line breaks.
        factory: Gives a new pyvmomi ``ServiceInstance``, logged in, whose leases are the fleet's
            alone: it is logged out at the end. Or its import path, ``"module:function"``.

    Raises:
        ValueError: The name is empty or has line breaks, or the path is not like that.
        TypeError: An argument is of the wrong kind.

    Examples:
        >>> from nfclease.fleet import register_session
        >>> register_session("lab", "my_company.vsphere:log_in")
    """
    if not isinstance(name, str) or not (callable(factory) or isinstance(factory, str)):
        raise TypeError("register_session takes a name and a callable, or its import path")
    if not name or not name.isprintable():
        raise ValueError("the name of a session is empty or has line breaks")
    if isinstance(factory, str) and factory.count(":") != 1:
        raise ValueError(f"factory must be like 'module:function', not {factory!r}")
    _registered[name] = factory


def name_of(session: str | SessionFrom) -> str:
    """What a job's session is called."""
    return session if isinstance(session, str) else session.name


def check_registered(session: str | SessionFrom) -> None:
    """Refuses a name that is not registered.

    Raises:
        SessionSourceError: It is not.
    """
    if isinstance(session, str) and session not in _registered:
        known = ", ".join(sorted(_registered)) or "none"
        raise SessionSourceError(
            f"no session is registered as {session!r} (registered: {known}); call "
            "register_session() first, or give the job a SessionFrom"
        )


def portable(session: str | SessionFrom) -> str | None:
    """The import path by which a worker process finds the factory of a name; None without one."""
    factory = _registered.get(session) if isinstance(session, str) else None
    return factory if factory is None or isinstance(factory, str) else path_of(factory)


def opened(session: str | SessionFrom, path: str | None) -> Any:
    """A new session, logged in.

    Args:
        session: A job's.
        path: What ``portable`` said of it where the job was made.

    Raises:
        SessionSourceError: This process does not know how to log in.
    """
    if isinstance(session, SessionFrom):
        return session.open()
    factory = _registered.get(session, path)
    if factory is None:
        raise SessionSourceError(
            f"this worker process does not know the session {session!r}: register it by an import "
            "path ('module:function') or by a function that can be imported, call "
            "register_session() in the workers, or give the jobs a SessionFrom"
        )
    return (loaded(factory, f"session {session!r}") if isinstance(factory, str) else factory)()
