"""The VMs that have a tag: tags are in vCenter's REST API, which pyvmomi does not speak.

After the vSphere Automation API, ``com.vmware.cis.tagging``: below ``/api`` since vSphere 7.0
Update 2, below ``/rest/com/vmware`` before that.
"""

from __future__ import annotations

import http.client
import json
from base64 import b64encode
from contextlib import contextmanager
from urllib.parse import quote

from nfclease._text import escaped
from nfclease.cli.failure import LoginError, UsageError
from nfclease.exceptions import AmbiguousNameError, ConnectError, NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from nfclease.cli.session import Login

#: Seconds that the server may be silent.
_TIMEOUT = 120.0
#: The most that one answer may have: of the objects with a tag some millions.
_LONGEST = 256 << 20
_SESSION = "vmware-api-session-id"


def tagged(login: Login, text: str) -> tuple[list[str], int]:
    """The moIds of the VMs with a tag, and how many other objects have it.

    Args:
        login: Where, as whom and by which trust.
        text: ``CATEGORY/TAG``, or ``TAG`` where it is the only one of that name.

    Raises:
        NotFoundError: The tag was not found.
        AmbiguousNameError: There is more than one.
        ConnectError: The server cannot be reached, or does not answer as a vCenter.
        LoginError: It refuses the login.
        UsageError: It has no tags, as an ESXi host.
    """
    with _opened(login) as rest:
        objects = rest.objects_of(_the_one(rest, text))
    machines = [each["id"] for each in objects if each.get("type") == "VirtualMachine"]
    return sorted(machines), len(objects) - len(machines)


def _the_one(rest: _Rest, text: str) -> str:
    """The id of the tag; a slash may also be in a name."""
    found: list[tuple[str, str]] = []
    for tag in rest.each("tag"):
        name = str(tag.get("name"))
        if text == name or text.endswith(f"/{name}"):
            category = str(rest.one("category", str(tag.get("category_id"))).get("name"))
            if text in (name, f"{category}/{name}"):
                found.append((f"{category}/{name}", str(tag.get("id"))))
    exact = [each for each in found if each[0] == text] or found
    if len(exact) == 1:
        return exact[0][1]
    if not exact:
        raise NotFoundError(f"tag '{escaped(text)}' not found, or this user cannot see it")
    names = ", ".join(escaped(name) for name, _ in sorted(exact))
    error = AmbiguousNameError(f"tag '{escaped(text)}': there are {len(exact)}: {names}")
    error.name, error.candidates = text, tuple(sorted(name for name, _ in exact))
    raise error


@contextmanager
def _opened(login: Login) -> Iterator[_Rest]:
    """A session of the REST API for the block, at whose end it is deleted."""
    rest = _Rest(login)
    try:
        rest.open()
        yield rest
    finally:
        rest.close()


class _Rest:
    """The REST API, over one connection."""

    def __init__(self, login: Login) -> None:
        where = login.where
        self._where = where
        host, port = where.proxy or (where.host, where.port)
        self._connection: http.client.HTTPConnection = (
            http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=login.trust.context)
            if where.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
        )
        if where.proxy is not None:
            self._connection.set_tunnel(where.host, where.port)
        self._session = ""
        self._is_old = False

    def open(self) -> None:
        """Logs in to the API of today, or to the one before it on an older server."""
        where = self._where
        secret = b64encode(f"{where.username}:{where.password}".encode()).decode("ascii")
        header = {"Authorization": f"Basic {secret}"}
        status, answer = self._sent("POST", self._login_path, header)
        if status in (404, 405):
            self._is_old = True
            status, answer = self._sent("POST", self._login_path, header)
        if status in (401, 403):
            raise LoginError(
                f"{where.address} refuses the login of {where.username} to its REST API, "
                "which has the tags"
            )
        if status in (404, 405):
            raise UsageError(
                f"{where.address} has no tags: --tag needs a vCenter, an ESXi host has none"
            )
        self._session = self._text(self._value(status, answer, "a session"))

    def close(self) -> None:
        """Logs out, if that was done."""
        try:
            if self._session:
                self._sent("DELETE", self._login_path)
        except ConnectError:  # it ends by itself
            pass
        finally:
            self._connection.close()

    @property
    def _login_path(self) -> str:
        return "/rest/com/vmware/cis/session" if self._is_old else "/api/session"

    def each(self, kind: str) -> Iterator[dict[str, Any]]:
        """All tags, one after the other."""
        for each in self._list(self._got("GET", self._path(kind))):
            yield self.one(kind, self._text(each))

    def one(self, kind: str, key: str) -> dict[str, Any]:
        """A ``tag`` or a ``category`` of this id."""
        found = self._got("GET", self._path(kind, key))
        if not isinstance(found, dict):
            raise self._odd(f"the {kind} {key}")
        return found

    def objects_of(self, tag: str) -> list[dict[str, Any]]:
        """What has a tag: ``type`` and ``id`` of each, which is its moId."""
        sign = "~" if self._is_old else ""
        path = f"{self._path('tag-association', tag)}?{sign}action=list-attached-objects"
        found = self._list(self._got("POST", path))
        if not all(isinstance(each, dict) and isinstance(each.get("id"), str) for each in found):
            raise self._odd("the objects of a tag")
        return found

    def _path(self, kind: str, key: str = "") -> str:
        start = "/rest/com/vmware/cis/tagging" if self._is_old else "/api/cis/tagging"
        if not key:
            return f"{start}/{kind}"
        return f"{start}/{kind}/{'id:' if self._is_old else ''}{quote(key, safe=':')}"

    def _got(self, method: str, path: str) -> Any:
        """The answer to a call that has to succeed; None if it is empty."""
        status, answer = self._sent(method, path)
        return self._value(status, answer, path)

    def _value(self, status: int, answer: bytes, what: str) -> Any:
        if not 200 <= status < 300:
            raise ConnectError(
                f"{self._where.address} refused its REST API's {escaped(what)}: HTTP {status}"
            )
        try:
            value = json.loads(answer) if answer.strip() else None
        except (ValueError, RecursionError):
            raise self._odd(what) from None
        if self._is_old:
            value = value.get("value") if isinstance(value, dict) else None
        return value

    def _sent(
        self, method: str, path: str, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body. What the request had is in no error."""
        sent = dict(headers or {}) | {"Accept": "application/json"}
        if self._session:
            sent[_SESSION] = self._session
        body = None
        if method == "POST":
            body, sent["Content-Type"] = b"{}", "application/json"
        try:
            self._connection.request(method, path, body, sent)
            answer = self._connection.getresponse()
            content = answer.read(_LONGEST + 1)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ConnectError(
                f"the REST API of {self._where.address} does not answer: {escaped(str(error))}"
            ) from None
        if len(content) > _LONGEST:
            raise self._odd(path)
        return answer.status, content

    def _list(self, value: Any) -> list[Any]:
        """A list; the old API leaves out what is empty."""
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._odd("a list")
        return value

    def _text(self, value: Any) -> str:
        if not isinstance(value, str) or not value.isprintable() or not value.isascii():
            raise self._odd("an id")
        return value

    def _odd(self, what: str) -> ConnectError:
        return ConnectError(
            f"{self._where.address} does not answer as a vCenter's REST API: {escaped(what)} is "
            "not what it should be"
        )
