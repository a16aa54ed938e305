"""Whether the server is the one that is meant: tried once, before anything is sent to it.

As govc does: by the CAs, and where they do not know it by its thumbprint in a file of known hosts.
After govmomi's ``soap.Client``: ``SetRootCAs``, ``LoadThumbprints`` and ``dialTLSContext``.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import socket
import ssl

from nfclease.cli.failure import UsageError
from nfclease.exceptions import ConnectError, ThumbprintMismatchError, TlsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from nfclease.cli.environment import Settings

    class Trust(NamedTuple):
        """What a session verifies by, that in words, and the thumbprint where one decides."""

        context: ssl.SSLContext | None
        words: str
        thumbprint: str | None = None
else:
    from collections import namedtuple

    Trust = namedtuple("Trust", ["context", "words", "thumbprint"], defaults=[None])

#: Seconds for a connection, as govc has them.
_TIMEOUT = 30.0
#: The longest line of a file of known hosts that means anything.
_LONGEST_LINE = 1000
#: What OpenSSL says where Go has UnknownAuthorityError or HostnameError: self-signed, no issuer,
#: no first certificate, another name, another address.
_UNTRUSTED = (18, 19, 20, 21, 62, 64)


def examined(where: Settings) -> Trust:
    """Connects once, and says by what the server is trusted.

    Raises:
        UsageError: A file of CAs or of thumbprints cannot be read.
        ConnectError: It cannot be reached.
        TlsError: It is not trusted.
    """
    if where.scheme == "http":
        _reach(where, None)
        return Trust(None, "nothing: it is plain http")
    if where.insecure:
        context = ssl._create_unverified_context()  # as pyvmomi's disableSslCertValidation
        _reach(where, context)
        return Trust(context, "nothing: --insecure or GOVC_INSECURE")
    context = _verifying(where)
    try:
        _reach(where, context)
    except ssl.SSLCertVerificationError as error:
        return _pinned(where, error)
    return Trust(context, " ".join(where.ca_files) or "the system's CAs")


def _verifying(where: Settings) -> ssl.SSLContext:
    """The CAs of the files, else the system's; what is in a file is trusted, a CA or not."""
    context = ssl.create_default_context() if not where.ca_files else ssl.SSLContext(_CLIENT)
    for path in where.ca_files:
        _load(context, path)
    # Neither is Go's: vSphere's own CA makes certificates that only Python 3.13 finds too lax.
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    return context


_CLIENT = ssl.PROTOCOL_TLS_CLIENT


def _load(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(path)
    except (OSError, ValueError) as error:
        is_content = isinstance(error, ssl.SSLError)
        reason = "it has no PEM certificate" if is_content else _reason(error)
        raise UsageError(f"the CA file {path} cannot be used: {reason}") from None


def _pinned(where: Settings, error: ssl.SSLCertVerificationError) -> Trust:
    shown = _reach(where, ssl._create_unverified_context())
    sums = {len(kind(b"").hexdigest()): kind(shown).hexdigest() for kind in _KINDS}
    known = known_thumbprint(where)
    if known is None or error.verify_code not in _UNTRUSTED:
        raise TlsError(
            f"the certificate of {where.address} is not trusted: {error.verify_message}\n"
            "give its CA by --tls-ca-certs, or a file with this line by --tls-known-hosts, if you "
            "know that the thumbprint is right:\n"
            f"{where.address} {_colons(sums[64])}"
        )
    if sums[len(known)] != known:
        mismatch = ThumbprintMismatchError(
            f"the certificate of {where.address} is not the one of its line in "
            f"{' '.join(where.known_hosts)}: it has the thumbprint {_colons(sums[len(known)])}\n"
            "put that there only if the server has a new certificate: it may be another server"
        )
        mismatch.expected, mismatch.actual = known, sums[len(known)]
        raise mismatch
    # This certificate and no other: what any pyvmomi can follow, unlike a SHA-256 thumbprint.
    context = ssl.SSLContext(_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(shown))
    return Trust(context, "its thumbprint in " + " ".join(where.known_hosts), known)


_KINDS = (hashlib.sha1, hashlib.sha256)


def _colons(digest: str) -> str:
    return ":".join(re.findall("..", digest.upper()))


def known_thumbprint(where: Settings) -> str | None:
    """The last that the files have for the host; lower-case hex.

    A line is ``host:port AA:BB:...``, as ``govc about.cert -thumbprint`` prints it: SHA-1 or
    SHA-256, the port 443 where it is left out. A file that is not there is passed over.

    Raises:
        UsageError: A file cannot be read.
    """
    found = None
    for path in where.known_hosts:
        found = _thumbprint_in(path, where.address) or found
    return found


def _thumbprint_in(path: str, address: str) -> str | None:
    found = None
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            while line := file.readline(_LONGEST_LINE):
                host, _, digest = line.strip().partition(" ")
                digest = digest.strip().replace(":", "").lower()
                host = host if re.search(r":\d+$", host) else f"{host}:443"
                is_digest = re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", digest)
                if is_digest and host.lower() == address.lower():
                    found = digest
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {_reason(error)}") from None
    return found


def _reach(where: Settings, context: ssl.SSLContext | None) -> bytes:
    """Connects and takes leave; the certificate that was shown.

    Raises:
        ssl.SSLCertVerificationError: It is not trusted by the context.
        TlsError: It does not speak TLS.
        ConnectError: It cannot be reached.
    """
    host, port = where.proxy or (where.host, where.port)
    connection: http.client.HTTPConnection = (
        http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=context)
        if context is not None
        else http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
    )
    if where.proxy:
        connection.set_tunnel(where.host, where.port)
    try:
        connection.connect()
        sock = connection.sock
        shown = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
        return shown or b""
    except ssl.SSLCertVerificationError:
        raise
    except ssl.SSLError as error:
        raise TlsError(
            f"no TLS with {where.address}: {_words(error)}\n"
            "is that the port of the vSphere API? For plain http the URL begins with http://"
        ) from None
    except (OSError, UnicodeError) as error:
        raise ConnectError(_unreached(where, error)) from None
    finally:
        connection.close()


def _words(error: ssl.SSLError) -> str:
    return error.reason.replace("_", " ").lower() if error.reason else str(error)


def _unreached(where: Settings, error: OSError | UnicodeError) -> str:
    proxy = f" by the proxy {where.proxy[0]}:{where.proxy[1]} of HTTPS_PROXY" if where.proxy else ""
    if isinstance(error, (socket.gaierror, UnicodeError)):
        name = where.proxy[0] if where.proxy else where.host
        return f"no address is known for the host {name!r}{proxy}: check --url or GOVC_URL"
    if isinstance(error, TimeoutError):
        return f"{where.address} did not answer within {_TIMEOUT:.0f} s{proxy}: check host and port"
    return f"{where.address} cannot be reached{proxy}: {_reason(error)}; check host and port"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
