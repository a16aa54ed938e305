"""Which vSphere, as whom and trusted by what: options first, then GOVC_* as govc reads them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from nfclease.cli.failure import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A connection.

    Attributes:
        scheme: ``https`` or ``http``.
        host: Name or address, an IPv6 one without brackets.
        port: Its port.
        path: Of the SDK, ``/sdk`` as a rule.
        username: Who logs in; empty where nobody said.
        password: None where nobody said.
        insecure: Whether no certificate is verified.
        ca_files: PEM files of the CAs to trust; the system's where there are none.
        known_hosts: Files of thumbprints.
    """

    scheme: str
    host: str
    port: int
    path: str
    username: str
    password: str | None = field(repr=False)
    insecure: bool
    ca_files: tuple[str, ...]
    known_hosts: tuple[str, ...]


def settings(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Settings:
    """What the options and the environment say.

    Raises:
        UsageError: There is no URL, or it cannot be read.
    """
    url = args.url or environ.get("GOVC_URL")
    if not url:
        raise UsageError("which vSphere? give --url or set GOVC_URL")
    if not re.match(r"^\w+://", url):
        url = f"https://{url}"
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or scheme not in ("https", "http"):
        raise UsageError("the URL cannot be read: it is like https://vcenter.example.com/sdk")
    user, password = parts.username, parts.password
    return Settings(
        scheme=scheme,
        host=host,
        port=port or (443 if scheme == "https" else 80),
        path=parts.path.rstrip("/") or "/sdk",
        username=args.username or environ.get("GOVC_USERNAME") or unquote(user or ""),
        password=environ.get("GOVC_PASSWORD") or (unquote(password) if password else None),
        insecure=args.insecure or environ.get("GOVC_INSECURE", "").lower() in ("1", "true"),
        ca_files=_files(args.tls_ca_certs or environ.get("GOVC_TLS_CA_CERTS")),
        known_hosts=_files(args.tls_known_hosts or environ.get("GOVC_TLS_KNOWN_HOSTS")),
    )


def _files(text: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (text or "").split(os.pathsep)))
