"""A session with the vSphere that the options and the environment name."""

from __future__ import annotations

import os
import re
import socket
import time
from contextlib import contextmanager
from http.client import HTTPException

from nfclease._text import escaped
from nfclease.cli.environment import settings
from nfclease.cli.failure import LoginError
from nfclease.cli.password import with_password
from nfclease.cli.trust import examined
from nfclease.exceptions import ConnectError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping
    from typing import Any

    from nfclease.cli.console import Console
    from nfclease.cli.environment import Settings
    from nfclease.cli.trust import Trust

#: Seconds that the server may be silent in a call of pyvmomi's.
_CALL_TIMEOUT = 120.0


class Login:
    """A login that the options and the environment say, and what the server is trusted by.

    Args:
        args: The options.
        console: Told of what was chosen.
        environ: Where variables are read.

    Raises:
        UsageError: It is not said where to log in, or as whom.
        ConnectError: The server cannot be reached, or is not vSphere.
        TlsError: It is not trusted.
    """

    def __init__(
        self,
        args: argparse.Namespace,
        console: Console,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        where = with_password(settings(args, environ), args, console)
        console.decision(f"the vSphere is {where.scheme}://{where.address}{where.path}")
        console.decision(f"{where.username} logs in with the password of {where.password_from}")
        if where.proxy is not None:
            console.decision(f"the way to it is by the proxy {where.proxy[0]}:{where.proxy[1]}")
        for name in ("GOVC_CERTIFICATE", "GOVC_PRIVATE_KEY"):
            if environ.get(name):
                console.warn(f"{name} is not used: this command logs in with a password")
        self.where: Settings = where
        self.trust: Trust = examined(where)
        self._console = console
        console.decision(f"the server is trusted by {self.trust.words}")

    def open(self) -> Any:
        """A new ``vim.ServiceInstance``, logged in.

        Raises:
            ConnectError: The server does not answer as a vSphere.
            LoginError: User or password are wrong.
        """
        console, service_instance = self._console, _login(self.where, self.trust.context)
        about = service_instance.content.about
        console.decision(
            f"logged in as {self.where.username}: {about.fullName}, API {about.apiVersion}"
        )
        if console.verbose > 1:
            _tell_calls(service_instance._stub, console)
        return service_instance


@contextmanager
def session(
    args: argparse.Namespace, console: Console, environ: Mapping[str, str] = os.environ
) -> Iterator[Any]:
    """A logged-in ``vim.ServiceInstance`` for the block; it logs out on every way out.

    Raises:
        UsageError: It is not said where to log in, or as whom.
        ConnectError: The server cannot be reached, or is not vSphere.
        TlsError: It is not trusted.
        LoginError: User or password are wrong.
    """
    login = Login(args, console, environ)
    with patient(), opened(login) as service_instance:
        yield service_instance


@contextmanager
def opened(login: Login) -> Iterator[Any]:
    """A session for the block; it logs out on every way out."""
    from pyVim.connect import Disconnect, SetSi

    SetSi(None)
    service_instance = None
    try:
        service_instance = login.open()
        yield service_instance
    finally:
        Disconnect(service_instance)  # of None the one that pyvmomi has just made, if any


@contextmanager
def patient() -> Iterator[None]:
    """A block in which the server may be silent for so long in a call, and no longer."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_CALL_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _login(where: Settings, context: Any) -> Any:
    from pyVim.connect import SmartConnect
    from pyVmomi import vim

    given: dict[str, Any] = {}
    if context is not None:
        given["sslContext"] = context
    if where.proxy is not None:
        given["httpProxyHost"], given["httpProxyPort"] = where.proxy
    try:
        return SmartConnect(
            protocol=where.scheme,
            host=where.host,
            port=where.port,
            path=where.path,
            user=where.username,
            pwd=where.password,
            **given,
        )
    except vim.fault.InvalidLogin:
        raise LoginError(
            f"{where.address} refuses the login of {where.username}: user or password is wrong\n"
            f"the password is from {where.password_from}"
        ) from None
    except Exception as error:
        if type(error) is Exception and "not a VIM server" in str(error):  # as pyvmomi has it
            raise ConnectError(
                f"{where.address} is not a vSphere server: it has nothing at "
                f"{where.path}/vimServiceVersions.xml; check --url or GOVC_URL"
            ) from None
        if isinstance(error, (OSError, HTTPException, vim.fault.HostConnectFault)):
            reason = str(getattr(error, "msg", None) or error or type(error).__name__)
            raise ConnectError(
                f"{where.address} does not answer as vSphere: {escaped(reason)}; check --url "
                "or GOVC_URL, with its scheme and port"
            ) from error
        raise


def _tell_calls(stub: Any, console: Console) -> None:
    """Has each call of pyvmomi's said, without what is in it."""
    kind: Any = type(stub)

    def invoke(self: Any, mo: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        start, end = time.monotonic(), "done"
        try:
            return kind.InvokeMethod(self, mo, info, *args, **kwargs)
        except BaseException as error:
            end = type(error).__name__
            raise
        finally:
            seconds = time.monotonic() - start
            target = re.sub(r"\[.*\]", "[...]", mo._moId)  # a lease's has the session's key in it
            console.call(f"{info.wsdlName} of {target}: {end} after {seconds:.3f} s")

    stub.__class__ = type(kind.__name__, (kind,), {"InvokeMethod": invoke})
