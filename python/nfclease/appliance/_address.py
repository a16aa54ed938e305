"""A package at an https address: whom to trust there, and how long to try."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nfclease import _core
from nfclease._pyvmomi import ssl_context
from nfclease._text import escaped
from nfclease.exceptions import ThumbprintMismatchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeGuard

#: Seconds in which nothing moves, before a connection is given up.
TIMEOUT = 60.0
#: A connection that breaks is made again so often without anything that moved in between.
MAX_RETRIES = 5
#: Seconds that failing may take in all.
RETRY_TIMEOUT = 180.0

#: Seconds for a connection that only shows a certificate.
_SHOW_TIMEOUT = 15.0

#: What stands before ``://``; a Windows drive has one letter.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
#: OpenSSL's own names for the files of a directory of CAs.
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
#: No directory has more CAs than these.
_MOST_FILES = 2000


def is_address(source: object) -> TypeGuard[str]:
    """Whether a source is a URL, and no path."""
    return isinstance(source, str) and _SCHEME.match(source) is not None


def address_of(
    url: str,
    *,
    ca_file: str | os.PathLike[str] | None = None,
    ssl_thumbprint: str | None = None,
    timeout: float = TIMEOUT,
    max_retries: int = MAX_RETRIES,
    retry_timeout: float = RETRY_TIMEOUT,
) -> _core.Address:
    """Reads an address; asks nobody yet.

    Args:
        url: ``https://...``. A user and a password in it go to its own host alone.
        ca_file: PEM file of the CAs to trust; the system's where none is given.
        ssl_thumbprint: SHA-1, SHA-256 or SHA-512 of the server's certificate, which then decides
            alone.
        timeout: Seconds without anything that moves.
        max_retries: How often in a row, 0 to 10.
        retry_timeout: Seconds that failing may take in all.

    Raises:
        ValueError: It is not an https URL, or another argument is wrong.
        OSError: ``ca_file`` cannot be read.
        ssl.SSLError: ``ca_file`` holds no certificate.
    """
    return _core.Address(
        url,
        trust=_trust(ca_file, ssl_thumbprint),
        max_retries=max_retries,
        retry_timeout=retry_timeout,
        timeout=timeout,
    )


def shown_thumbprint(
    url: str,
    *,
    ca_file: str | os.PathLike[str] | None = None,
    ssl_thumbprint: str | None = None,
) -> str:
    """SHA-1 of the certificate that an address's server shows, as vSphere writes it.

    Args:
        url: The address.
        ca_file: As for :func:`address_of`.
        ssl_thumbprint: As for :func:`address_of`.

    Raises:
        ssl.SSLError: The server is not to be trusted.
        ThumbprintMismatchError: It shows another certificate than the one that is pinned.
        OSError: It cannot be reached.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    context = ssl.create_default_context(cafile=ca_file and os.fspath(ca_file))
    if ssl_thumbprint is not None:  # then it decides alone
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=_SHOW_TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        shown = secured.getpeercert(binary_form=True) or b""
    if ssl_thumbprint is not None:
        expected = "".join(ssl_thumbprint.replace(":", "").split()).lower()
        sums = {hashlib.new(name, shown).hexdigest() for name in ("sha1", "sha256", "sha512")}
        if expected not in sums:
            raise ThumbprintMismatchError(
                f"{escaped(host)} shows another certificate than ssl_thumbprint says"
            )
    return _with_colons(hashlib.sha1(shown, usedforsecurity=False).digest())


def _with_colons(digest: bytes) -> str:
    return digest.hex(":").upper()


def without_login(url: str) -> tuple[str, dict[str, str]]:
    """An address without the user and password in it, and the header that says them."""
    parts = urlsplit(url)
    if parts.username is None and parts.password is None:
        return url, {}
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    encoded = base64.b64encode(login.encode()).decode()
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    return bare.geturl(), {"Authorization": f"Basic {encoded}"}


def _trust(ca_file: str | os.PathLike[str] | None, ssl_thumbprint: str | None) -> dict[str, Any]:
    if ca_file is None:
        context = ssl.create_default_context()
        _load_directories(context)
    else:
        context = ssl.create_default_context(cafile=os.fspath(ca_file))
    trust = ssl_context.read(context)
    trust["thumbprint"] = ssl_thumbprint
    trust["unread"] = None  # which is about a session's context
    return trust


def _load_directories(context: ssl.SSLContext) -> None:
    """Reads the system's directory of CAs, which OpenSSL looks into only while it verifies."""
    if context.cert_store_stats()["x509_ca"]:
        return
    paths = ssl.get_default_verify_paths()
    for folder in filter(None, [paths.capath]):
        files = [path for path in Path(folder).iterdir() if _HASHED.fullmatch(path.name)]
        for path in sorted(files)[:_MOST_FILES]:
            with suppress(OSError, ssl.SSLError):  # one of them must not stop the others
                context.load_verify_locations(cafile=path)
