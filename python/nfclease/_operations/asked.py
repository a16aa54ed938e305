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
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import TypeVar

    _T = TypeVar("_T")

#: How pyvmomi says that an answer had another status than 200 or 500.
_STATUS = re.compile(r"\s*(\d{3})\b")
_PROXY = "a proxy in front of it is the usual reason"
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
        return answered(call)
    except NfcError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if _frame_of(error, "Deserialize") is None and not _misses(error):
            raise
        text = f"the server's answer lacks what it has to say ({escaped(reason_of(error))})"
        raise ProtocolError(f"{text}; {_PROXY}") from error


def answered(call: Callable[[], _T]) -> _T:
    """The same for a caller who knows better what an answer lacks: such an error is not touched."""
    try:
        return call()
    except NfcError:
        raise
    except (http.client.HTTPException, ExpatError, OSError) as error:
        frame = _frame_of(error, "InvokeMethod")
        if frame is None:
            raise
        raise _as_ours(error, frame) from error


def _frame_of(error: BaseException, name: str) -> FrameType | None:
    """The frame of pyvmomi's connection of this name; None where the error is not from there."""
    for frame in _frames(error):
        ours = frame.f_globals.get("__name__") == "pyVmomi.SoapAdapter"
        if ours and frame.f_code.co_name == name:
            return frame
    return None


def _misses(error: BaseException) -> bool:
    """Whether code of ours had None for what every server says: pyvmomi reads that of a page."""
    *_, last = _frames(error)
    module = str(last.f_globals.get("__name__"))
    return module.startswith("nfclease.") and str(error).startswith("'NoneType' object ")


def _frames(error: BaseException) -> Iterator[FrameType]:
    step = error.__traceback__
    while step is not None:
        yield step.tb_frame
        step = step.tb_next


def _as_ours(error: Exception, frame: FrameType) -> NfcError:
    info = frame.f_locals.get("info")
    what = escaped(getattr(info, "wsdlName", None) or "a vSphere call")
    if host := getattr(frame.f_locals.get("self"), "host", ""):
        what = f"{what} at {escaped(host.rpartition('@')[2])}"
    reason = escaped(reason_of(error))
    if isinstance(error, ssl.SSLError):
        made: NfcError = TlsError(f"{what}: TLS with the server failed ({reason})")
    elif isinstance(error, OSError):
        made = ConnectError(f"{what} had no answer ({reason}); look at the server and the network")
    elif status := isinstance(error, http.client.HTTPException) and _STATUS.match(str(error)):
        made = HttpStatusError(f"{what}: the server answered {escaped(str(error).strip())}")
        made.status = int(status[1])
    else:
        made = ProtocolError(f"{what}: the server's answer cannot be read ({reason}); {_PROXY}")
    if type(made) is ConnectError or getattr(made, "status", 0) in _PASSING:
        made.remedy = "new_lease"
    return made
