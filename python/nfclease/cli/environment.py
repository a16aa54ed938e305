"""Which vSphere, as whom and trusted by what: options first, then GOVC_* as govc reads them.

After govmomi's ``cli/flags/client.go``, ``soap.ParseURL`` and ``session.Secret``.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from nfclease.cli.failure import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

#: The most that a file with a password, or a user name, may hold.
_LONGEST_SECRET = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A connection.

    Attributes:
        scheme: ``https`` or ``http``.
        host: Name or address, an IPv6 one without brackets.
        port: Its port.
        path: Of the SDK, ``/sdk`` as a rule.
        username: Who logs in; empty if not given.
        password: None if not given.
        password_from: Where it was found, for people.
        password_shown: Whether it stands in an argument, which ``ps`` shows.
        insecure: Whether no certificate is verified.
        ca_files: PEM files of the CAs to trust; the system's if empty.
        known_hosts: Files of thumbprints.
        proxy: Host and port of a proxy on the way; None without one.
    """

    scheme: str
    host: str
    port: int
    path: str
    username: str
    password: str | None = field(repr=False)
    password_from: str
    password_shown: bool
    insecure: bool
    ca_files: tuple[str, ...]
    known_hosts: tuple[str, ...]
    proxy: tuple[str, int] | None

    @property
    def address(self) -> str:
        """Host and port, as in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Url:
    scheme: str
    host: str
    port: int
    path: str
    username: str
    password: str | None = field(repr=False)


def settings(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Settings:
    """What the options and the environment say.

    What an option says wins, the user and the password in a ``--url`` too. Among the variables
    ``GOVC_USERNAME`` and ``GOVC_PASSWORD`` win over those in ``GOVC_URL``; each may be the path
    of a file that has it.

    Raises:
        UsageError: The URL is missing, or it or a file cannot be read.
    """
    text = args.url or environ.get("GOVC_URL")
    if not text:
        raise UsageError("no server is named: give --url or set GOVC_URL")
    url = _parsed(text, "--url" if args.url else "GOVC_URL")
    password, source = _password(args, environ, url)
    named = url.username if args.url else ""
    username = args.username or named or secret(environ, "GOVC_USERNAME") or url.username
    return Settings(
        scheme=url.scheme,
        host=url.host,
        port=url.port,
        path=url.path,
        username=username,
        password=password,
        password_from=source,
        password_shown=bool(args.url and url.password),
        insecure=args.insecure or environ.get("GOVC_INSECURE", "").lower() in ("1", "true"),
        ca_files=_files(args.tls_ca_certs or environ.get("GOVC_TLS_CA_CERTS")),
        known_hosts=_files(args.tls_known_hosts or environ.get("GOVC_TLS_KNOWN_HOSTS")),
        proxy=_proxy(url, environ),
    )


def _password(
    args: argparse.Namespace, environ: Mapping[str, str], url: _Url
) -> tuple[str | None, str]:
    """The password, and where it was found."""
    if args.password_file:
        return read_secret(args.password_file), "--password-file"
    if args.url and url.password:
        return url.password, "--url"
    found = secret(environ, "GOVC_PASSWORD")
    if found:
        return found, "GOVC_PASSWORD"
    if url.password:
        return url.password, "GOVC_URL"
    return None, ""


def _parsed(text: str, source: str) -> _Url:
    """As ``soap.ParseURL``: without a scheme it is https, without a path /sdk.

    Raises:
        UsageError: It cannot be read. The text is not repeated: there may be a password in it.
    """

    def refuse(reason: str) -> UsageError:
        return UsageError(
            f"{source} cannot be read: {reason}; it is like https://user@vcenter.example.com/sdk, "
            "where / : @ ? # % of a password are written %2F %3A %40 %3F %23 %25"
        )

    if not re.match(r"\w+://", text, re.ASCII):
        text = f"https://{text}"
    scheme, _, rest = text.removesuffix("/").partition("://")
    scheme = scheme.lower()
    if scheme not in ("https", "http"):
        raise refuse("its scheme is neither https nor http")
    authority, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    userinfo, at, place = authority.rpartition("@")
    shape = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+(?:%25[\w.~-]+)?)\]|([^][:/\s]+))(?::(\d*))?", place)
    if shape is None or not place.isprintable():
        raise refuse("it has no host name or address, or something else than a port behind it")
    port = int(shape[3][:6] or 0) if shape[3] else 0
    if port > 65535:
        raise refuse("its port is larger than 65535")
    username, colon, password = userinfo.partition(":")
    return _Url(
        scheme=scheme,
        host=unquote(shape[1] or shape[2]),
        port=port or (443 if scheme == "https" else 80),
        path=unquote(slash + path) or "/sdk",
        username=unquote(username),
        password=unquote(password) if at and colon and password else None,
    )


def secret(environ: Mapping[str, str], name: str) -> str:
    """A variable's value, or the text of the file that it is the path of."""
    value = environ.get(name, "")
    if not value or "\0" in value:
        return value
    try:
        if not os.path.isfile(value):
            return value
    except (OSError, ValueError):
        return value
    return read_secret(value, f"{name}: ").strip()


def read_secret(path: str, prefix: str = "") -> str:
    """What a file has, without the newline at its end.

    Raises:
        UsageError: It cannot be read, is empty or longer than a secret can be.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(_LONGEST_SECRET + 1)
        text = content.decode()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise UsageError(f"{prefix}{path} cannot be read: {reason}") from None
    text = text.rstrip("\r\n")
    if not text or len(content) > _LONGEST_SECRET:
        state = "empty" if not text else "too long for a password"
        raise UsageError(f"{prefix}{path} is {state}")
    return text


def _files(text: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (text or "").split(os.pathsep)))


def _proxy(url: _Url, environ: Mapping[str, str]) -> tuple[str, int] | None:
    """As Go's clients: from HTTPS_PROXY and NO_PROXY, and never to this machine.

    Raises:
        UsageError: The proxy wants what pyvmomi cannot do.
    """
    text = environ.get("HTTPS_PROXY") or environ.get("https_proxy")
    local = url.host == "localhost" or url.host.startswith("127.") or url.host == "::1"
    if not text or url.scheme != "https" or local or _goes_past(url, environ):
        return None
    proxy = re.fullmatch(r"(?:http://)?(?:([^@]*)@)?(\[[^]]+\]|[^][:/@\s]+)(?::(\d{1,5}))?/?", text)
    if proxy is None or proxy[1]:
        raise UsageError(
            "HTTPS_PROXY is not like http://proxy.example.com:3128: a proxy with a password, over "
            "TLS or of another kind is not supported"
        )
    return proxy[2].strip("[]"), int(proxy[3] or 80)


def _goes_past(url: _Url, environ: Mapping[str, str]) -> bool:
    """Whether NO_PROXY names the host: itself, a domain that it is in, or a network in CIDR."""
    import ipaddress

    for entry in (environ.get("NO_PROXY") or environ.get("no_proxy") or "").split(","):
        name = entry.strip().lower()
        bare = name.removesuffix(f":{url.port}").removeprefix("*")
        host = url.host.lower()
        if name == "*" or (bare and (host == bare or host.endswith("." + bare.lstrip(".")))):
            return True
        try:
            if "/" in name and ipaddress.ip_address(host) in ipaddress.ip_network(name, False):
                return True
        except ValueError:
            pass
    return False
