"""Calls of pyvmomi that had no answer, or one that nobody can read, as errors of ours."""

from __future__ import annotations

import http.client
import re
import ssl
from xml.parsers.expat import ExpatError

from nfclease._text import escaped, reason_of
from nfclease.exceptions import ConnectError, HttpStatusError, NfcError, ProtocolError, TlsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import TypeVar

    _T = TypeVar("_T")

#: How pyvmomi says that an answer had another status than 200 or 500.
_STATUS = re.compile(r"\s*(\d{3})\b")
#: Of a server that may answer the next call.
_PASSING = (408, 429, 500, 502, 503, 504)


def asked(call: Callable[[], _T]) -> _T:
    """What a call returns. What pyvmomi's connection raises in it is raised as an error of ours.

    Args:
        call: Makes calls of pyvmomi, and whatever else: an ``OSError`` of a file stays what it is.

    Raises:
        ConnectError: A call had no answer.
        TlsError: The server is not trusted, or TLS failed.
        HttpStatusError: It had another status than those of answers.
        ProtocolError: The answer cannot be read.
    """
    try:
        return call()
    except NfcError:
        raise
    except (http.client.HTTPException, ExpatError, OSError) as error:
        frame = _calling(error)
        if frame is None:
            raise
        raise _as_ours(error, frame) from error


def _calling(error: BaseException) -> FrameType | None:
    """The frame of pyvmomi that made the call; None where the error is not of one."""
    step = error.__traceback__
    while step is not None:
        frame = step.tb_frame
        named = frame.f_code.co_name == "InvokeMethod"
        if named and frame.f_globals.get("__name__") == "pyVmomi.SoapAdapter":
            return frame
        step = step.tb_next
    return None


def _as_ours(error: Exception, frame: FrameType) -> NfcError:
    info = frame.f_locals.get("info")
    what = escaped(getattr(info, "wsdlName", None) or "a vSphere call")
    reason = escaped(reason_of(error))
    if isinstance(error, ssl.SSLError):
        made: NfcError = TlsError(f"{what}: TLS with the server failed ({reason})")
    elif isinstance(error, OSError):
        made = ConnectError(f"{what} had no answer ({reason}); look at the server and the network")
    elif status := isinstance(error, http.client.HTTPException) and _STATUS.match(str(error)):
        made = HttpStatusError(f"{what}: the server answered {escaped(str(error).strip())}")
        made.status = int(status[1])
    else:
        text = f"{what}: the server's answer cannot be read ({reason})"
        made = ProtocolError(f"{text}; a proxy in front of it is the usual reason")
    if type(made) is ConnectError or getattr(made, "status", 0) in _PASSING:
        made.remedy = "new_lease"
    return made
