"""Starts a simulator and talks to it; needs only the standard library and pyvmomi."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from types import TracebackType
from typing import Any

#: Seconds that the process gets to serve, and to end.
START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0


class Simulator:
    """A simulated vCenter in a process of its own, on free ports of the loopback.

    It serves from construction until :meth:`stop`, the end of the ``with`` block or the end of
    this process.

    Args:
        options: The command line's options as keywords: ``disk_size="64m"``, ``disks=1``,
            ``lease_timeout=3``, ``initializing=0``, ``stable_streams=True``, ``esx=True``,
            ``no_tls=True``, ``api_version="7.0.0.0"``; see
            ``python -m nfclease.simulator --help``.

    Attributes:
        url: URL of the SDK.
        host: Host of the vCenter.
        port: Its port.
        user: A user that may log in.
        password: That user's password.
        ca_file: Path of the CA certificate that signed the vCenter's.
        thumbprint_sha1: Thumbprint of the vCenter's certificate; also ``thumbprint_sha256``.
        disk_host: The host that serves the disks; also ``disk_port``, ``disk_thumbprint_sha1``.
        pid: Process id.

    Raises:
        RuntimeError: The process ended before it served.

    Example:
        >>> from nfclease.simulator import Simulator
        >>> with Simulator(disks=1) as simulator:
        ...     service = simulator.connect()
        ...     service.content.about.apiType
        'VirtualCenter'
    """

    url: str
    host: str
    port: int
    user: str
    password: str
    ca_file: str
    thumbprint_sha1: str
    thumbprint_sha256: str
    disk_host: str
    disk_port: int
    disk_thumbprint_sha1: str
    disk_thumbprint_sha256: str
    control_url: str
    control_token: str
    pid: int
    vms: list[str]

    def __init__(self, **options: Any) -> None:
        command = [sys.executable, "-m", "nfclease.simulator"]
        for name, value in options.items():
            flag = "--" + name.replace("_", "-")
            if value is True:
                command.append(flag)
            elif value is not False and value is not None:
                command += [flag, str(value)]
        self._process: subprocess.Popen[str] | None = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError("the simulator ended before it served; its message is on stderr")
        for name, value in json.loads(line).items():
            setattr(self, name, value)
        self._context = self.ssl_context()

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the process; the second call does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.communicate(timeout=STOP_TIMEOUT)  # closes stdin, its sign to end
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()

    def ssl_context(self) -> ssl.SSLContext:
        """A context that trusts this simulator's CA and no other."""
        return ssl.create_default_context(cafile=self.ca_file)

    def connect(self, **kwargs: Any) -> Any:
        """A logged-in pyvmomi ``ServiceInstance``.

        Args:
            kwargs: Instead of, or besides, what is passed to ``SmartConnect`` by default.
        """
        from pyVim.connect import SmartConnect

        arguments: dict[str, Any] = {
            "protocol": self.url.partition(":")[0],
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "pwd": self.password,
        }
        if self.url.startswith("https"):
            arguments["sslContext"] = self._context
        return SmartConnect(**{**arguments, **kwargs})

    def calls(self, method: str | None = None, moid: str | None = None) -> list[dict[str, Any]]:
        """The SOAP calls so far: t, method, moid, session, args, result, raw."""
        return [
            call
            for call in self._control("calls")
            if method in (None, call["method"]) and moid in (None, call["moid"])
        ]

    def requests(self) -> list[dict[str, Any]]:
        """The requests for bytes so far, with all their headers."""
        requests: list[dict[str, Any]] = self._control("requests")
        return requests

    def leases(self) -> list[dict[str, Any]]:
        """All leases ever opened: moid, state, error, percent, manifest and more."""
        leases: list[dict[str, Any]] = self._control("leases")
        return leases

    def inject(
        self, fault: str, *, match: str = "", count: int | None = None, **params: Any
    ) -> int:
        """Injects a fault; see :mod:`nfclease.simulator.faults` for the names and parameters.

        Returns:
            An id for :meth:`clear`.

        Raises:
            ValueError: There is no such fault.
        """
        identifier: int = self._control(
            "inject", fault=fault, match=match, count=count, params=params
        )
        return identifier

    def clear(self, fault_id: int | None = None) -> None:
        """Removes one injected fault, or all."""
        self._control("clear", fault_id=fault_id)

    def expire(self, moid: str | None = None) -> int:
        """Lets one lease, or every open one, time out now; returns how many."""
        expired: int = self._control("expire", moid=moid)
        return expired

    def reset(self) -> None:
        """Forgets recorded calls and requests, and removes all faults."""
        self._control("reset")

    def add_vm(self, name: str, **options: Any) -> str:
        """Adds a VM and returns its moid; options: disks, disk_size, nvram, iso, power."""
        moid: str = self._control("add_vm", name=name, **options)
        return moid

    def vm_files(self, name: str) -> list[dict[str, Any]]:
        """A VM's files: name, kind, capacity, and size and SHA-1 of what an import received."""
        files: list[dict[str, Any]] = self._control("vm_files", name=name)
        return files

    def set(self, **options: Any) -> None:
        """Changes options of the running simulator, such as ``lease_timeout``."""
        self._control("set", **options)

    def _control(self, op: str, **arguments: Any) -> Any:
        request = urllib.request.Request(
            self.control_url,
            data=json.dumps({"op": op, **arguments}).encode(),
            headers={"Content-Type": "application/json", "X-Control-Token": self.control_token},
        )
        context = self._context if self.control_url.startswith("https") else None
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            *([urllib.request.HTTPSHandler(context=context)] if context else []),
        )
        try:
            with opener.open(request, timeout=START_TIMEOUT) as response:
                return json.load(response)["result"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error).get("error", str(error))) from None
