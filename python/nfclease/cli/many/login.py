"""The sessions of an export of many VMs: the command's own login, here and on Dask's workers."""

from __future__ import annotations

import os
import threading

from nfclease.cli.failure import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nfclease.cli.environment import Settings
    from nfclease.cli.session import Login
    from nfclease.fleet import SessionFrom

#: Passwords that this process was given, by host and user; a worker has only its environment.
_passwords: dict[tuple[str, str], str] = {}
#: Where a worker finds ``password``.
_PASSWORD_FROM = "nfclease.cli.many.login:password"  # noqa: S105


class Sessions:
    """Logs in each time it is called; the first session is the one that chose the VMs.

    Args:
        login: Where and as whom.
    """

    def __init__(self, login: Login) -> None:
        self.login: Login = login
        self._lock = threading.Lock()
        self._kept: Any = None

    def service(self) -> Any:
        """The session that chose the VMs; the first job takes it over."""
        if self._kept is None:
            self._kept = self._opened()
        return self._kept

    def __call__(self) -> Any:
        """A session for the caller, who logs out."""
        with self._lock:
            kept, self._kept = self._kept, None
            return kept if kept is not None else self._opened()

    def close(self) -> None:
        """Logs out of the first session if no job took it, and of one that a signal cut short."""
        from pyVim.connect import Disconnect

        kept, self._kept = self._kept, None
        Disconnect(kept)

    def _opened(self) -> Any:
        from pyVim.connect import SetSi

        SetSi(None)
        service = self.login.open()
        SetSi(None)  # from now on somebody else logs it out
        return service


def name_of(where: Settings) -> str:
    """What keys of jobs call the session, on threads and with Dask alike."""
    return f"{where.username}@{where.host}" + (f":{where.port}" if where.port != 443 else "")


def portable(login: Login) -> SessionFrom:
    """The login for workers of Dask, which have the password in their own environment.

    Raises:
        UsageError: It cannot be done there as it is here.
    """
    from nfclease.fleet import SessionFrom

    where = login.where
    reasons = {
        "plain http": where.scheme != "https",
        "a path other than /sdk": where.path != "/sdk",
        "a proxy": where.proxy is not None,
        "--insecure": where.insecure,
        "more than one file of CAs": len(where.ca_files) > 1 and login.trust.thumbprint is None,
    }
    for reason, is_so in reasons.items():
        if is_so:
            raise UsageError(f"--dask does not go with {reason}: workers log in without it")
    _passwords[where.host, where.username] = where.password or ""
    is_pinned = login.trust.thumbprint is not None
    return SessionFrom(
        where.host,
        where.username,
        _PASSWORD_FROM,
        port=where.port,
        ca_file=None if is_pinned or not where.ca_files else os.path.abspath(where.ca_files[0]),
        thumbprint=login.trust.thumbprint,
    )


def password(host: str, user: str) -> str | None:
    """The password of a session: what this process was told, else ``GOVC_PASSWORD`` as govc has it.

    Args:
        host: Of the vSphere.
        user: Who logs in.

    Returns:
        None without one.
    """
    known = _passwords.get((host, user))
    return known or from_environment()


def from_environment() -> str | None:
    """``GOVC_PASSWORD`` of this process, or what is in the file that it names."""
    from nfclease.cli.environment import secret

    return secret(os.environ, "GOVC_PASSWORD") or None


def has_password() -> bool:
    """Whether a worker could log in; called on each."""
    return from_environment() is not None
