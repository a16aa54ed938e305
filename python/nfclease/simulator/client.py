"""A simulator in a process of its own, from the side of a test."""

from __future__ import annotations

import http.client
import json
import ssl
from functools import cached_property
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from nfclease.simulator.process import Process, SimulatorError

__all__ = ["Simulator", "SimulatorError"]


class Simulator:
    """Starts ``python -m nfclease.simulator`` and talks to its control plane.

    Options are those of the command line, with underscores: ``Simulator(disk_size="64m",
    disks=2, tls=False, esx=True, api_version="9.0.0.0", seed=1)``. The process ends with
    ``stop()``, with the ``with`` block, and when this process ends.

    It runs on this Python, or on the one that the environment variable
    ``NFCLEASE_SIMULATOR_PYTHON`` names, which must have ``nfclease[simulator]``: so a script with
    an older pyvmomi than 8.0.3, or without aiohttp, has a simulator too.

    Args:
        client_certificate: Files of a certificate chain and its key that it shows itself, to a
            simulator that was given ``client_ca``.
        **options: Those of the command line.

    Raises:
        SimulatorError: The simulator did not start; the text has the reason that it gave.

    Attributes:
        url: The SDK's URL.
        host: Host of the vCenter listener.
        port: Its port.
        user: For Login.
        password: For Login.
        ca_file: PEM file with the CA of the vCenter listener; None without TLS.
        thumbprint_sha1: Of the vCenter listener's certificate.
        thumbprint_sha256: The same, newer.
        disk_host: Host of the listener that deviceUrls name.
        disk_port: Its port.
        disk_thumbprint_sha1: Of its self-signed certificate.
        disk_thumbprint_sha256: The same, newer.
        control_url: URL of the control plane.
        control_token: The secret that it takes.
        pid: Of the process.
        vms: Names of the VMs at the start.
    """

    url: str
    host: str
    port: int
    user: str
    password: str
    ca_file: str | None
    thumbprint_sha1: str | None
    thumbprint_sha256: str | None
    disk_host: str
    disk_port: int
    disk_thumbprint_sha1: str | None
    disk_thumbprint_sha256: str | None
    control_url: str
    control_token: str
    pid: int
    vms: list[str]

    def __init__(
        self, *, client_certificate: tuple[str, str] | None = None, **options: Any
    ) -> None:
        self._client_certificate = client_certificate
        self._process = Process(options)
        for name, value in self._process.about.items():
            setattr(self, name, value)

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> int:
        """Ends the process and passes on what it wrote to standard error; returns its exit status.

        May be called again.
        """
        return self._process.stop()

    def ssl_context(self) -> ssl.SSLContext:
        """A context that trusts the vCenter listener, and nothing else."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self._client_certificate:
            context.load_cert_chain(*self._client_certificate)
        return context

    def connect(self, **options: Any) -> Any:
        """A logged-in pyvmomi ``ServiceInstance``.

        Args:
            **options: For ``SmartConnect``; with ``version`` (such as
                ``vim.version.version9``) for ``Connect``, which does not negotiate.
        """
        from pyVim import connect

        tls = self.url.startswith("https:")
        given = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "pwd": self.password,
            **({"sslContext": self.ssl_context()} if tls else {}),
            **options,
        }
        if "version" in given:
            if not tls:
                given["port"] = -given["port"]  # pyvmomi's sign for plain http
            return connect.Connect(**given)
        if not tls:
            given["protocol"] = "http"
        return connect.SmartConnect(**given)

    def calls(self, method: str | None = None, moid: str | None = None) -> list[dict[str, Any]]:
        """The SOAP calls so far, in order.

        Each has ``t`` (seconds of the server's clock), ``method``, ``moid``, ``session``,
        ``args``, ``headers``, ``result`` ("ok", a fault's name, an injected fault, or None while
        it runs) and ``raw``, the envelope without the password.
        """
        return self._list("calls", method=method, moid=moid)

    def requests(self) -> list[dict[str, Any]]:
        """The data requests so far, in order.

        Each has ``t``, ``started``, ``ended``, ``listener``, ``method``, ``path``, ``headers``,
        ``lease``, ``disk``, ``status``, ``bytes_sent``, ``bytes_received``, ``sha1``, ``aborted``.
        """
        return self._list("requests")

    def leases(self) -> list[dict[str, Any]]:
        """All leases there have been since the last reset, or were held then.

        Each has ``moid``, ``kind``, ``state``, ``error``, ``message``, ``percent``,
        ``last_progress_age``, ``entity``, ``manifest``.
        """
        return self._list("leases")

    def inject(
        self,
        kind: str,
        /,
        *,
        match: str | dict[str, str] | None = None,
        count: int | None = None,
        **params: Any,
    ) -> int:
        """Puts a fault in place; see ``nfclease.simulator.faults`` for all of them.

        Args:
            kind: Such as ``"cut"``.
            match: What it applies to: a part of the name of a file, a device key, a method, or
                a dict by ``disk``, ``lease``, ``method``, ``listener``; these may also be given
                as parameters.
            count: How many times; None for always.
            **params: Of the fault, such as ``after_bytes=4096``.

        Returns:
            An id for ``clear``.

        Raises:
            ValueError: The fault is unknown.
        """
        arguments = {"kind": kind, "match": match, "count": count, "params": params}
        return int(self._control("inject", arguments))

    def clear(self, fault_id: int | None = None) -> None:
        """Removes one fault, or all."""
        self._control("clear", {"fault_id": fault_id})

    def expire(self, moid: str | None = None) -> int:
        """Lets one lease expire, or all that are held; returns how many did."""
        return int(self._control("expire", {"moid": moid}))

    def reset(self) -> None:
        """Forgets calls, requests, faults, a bandwidth limit and ended leases; keeps VMs."""
        self._control("reset", {})

    def add_vm(
        self,
        name: str,
        *,
        disks: int = 3,
        disk_size: int | None = None,
        nvram: bool = True,
        power: str = "off",
        iso: bool = False,
        tools: bool = False,
        capacity: int | None = None,
        folder: str | None = None,
    ) -> str:
        """Makes a VM; returns its moid.

        Args:
            name: Its name, which no other has, or none in its folder.
            disks: How many disks it has.
            disk_size: About how many bytes the stream of each has; as the simulator's if None.
            nvram: Whether it has an nvram file, as an EFI VM does.
            power: ``"on"`` or ``"off"``.
            iso: Whether there is an image in a CD-ROM drive.
            tools: Whether tools answer in its guest while it runs: its snapshots can be quiesced.
            capacity: Bytes of each virtual disk; None for one that its stream nearly fills.
            folder: The folders that it is in below ``DC0/vm``, such as ``team/web``, which are
                made where they are not there; None for ``DC0/vm`` itself.

        Raises:
            ValueError: There is a VM of this name, or its disks hold less than their streams.
        """
        arguments = {"name": name, "disks": disks, "disk_size": disk_size, "nvram": nvram}
        arguments |= {"power": power, "iso": iso, "tools": tools, "capacity": capacity}
        arguments["folder"] = folder
        return str(self._control("add_vm", arguments))

    def add_vms(
        self,
        name: str,
        count: int,
        *,
        folders: int = 1,
        disks: int = 0,
        disk_size: int | None = None,
    ) -> None:
        """Makes many VMs, ten thousand in some seconds; their disks have the same content.

        Args:
            name: Of the first part of their names: ``<name>-1``, ``<name>-2`` and so on.
            count: How many.
            folders: In how many folders, called ``<name>-1`` and so on as well, they are in turns.
            disks: How many disks each has.
            disk_size: About how many bytes the stream of each has; as the simulator's if None.

        Raises:
            ValueError: There is a VM of the first name, or ``count`` or ``folders`` is less than 1.
        """
        arguments = {"name": name, "count": count, "folders": folders}
        self._control("add_vms", {**arguments, "disks": disks, "disk_size": disk_size})

    def add_vapp(
        self,
        name: str,
        *,
        vms: int = 3,
        disks: int = 1,
        disk_size: int | None = None,
        nvram: bool = False,
        power: str = "off",
    ) -> str:
        """Makes a vApp of the VMs ``<name>-1``, ``<name>-2`` and so on; returns its moid.

        Args:
            name: Its name, which no VM or vApp has.
            vms: How many VMs are in it.
            disks: How many disks each has.
            disk_size: About how many bytes the stream of each has; as the simulator's if None.
            nvram: Whether each has an nvram file.
            power: ``"on"`` or ``"off"``, all of them.

        Raises:
            ValueError: There is a VM or vApp of one of these names.
        """
        arguments = {"name": name, "vms": vms, "disks": disks, "disk_size": disk_size}
        return str(self._control("add_vapp", {**arguments, "nvram": nvram, "power": power}))

    def hold_vm(
        self,
        name: str,
        *,
        method: str = "ExportVm",
        user: str = "somebody@vsphere.local",
        age: float = 3600.0,
        cancelable: bool = True,
    ) -> str:
        """Lets a task of somebody else hold a VM, as a client that died has left it.

        It runs until it is cancelled (``CancelTask``), until ``free_vm`` or ``reset``.

        Args:
            name: Of the VM.
            method: What the task does: a method of a VM.
            user: Who started it.
            age: Seconds since then.
            cancelable: Whether it can be cancelled.

        Returns:
            The task's moid.

        Raises:
            ValueError: The VM does not exist, or the method is unknown.
        """
        arguments = {"name": name, "method": method, "user": user, "age": age}
        return str(self._control("hold_vm", {**arguments, "cancelable": cancelable}))

    def free_vm(self, name: str) -> None:
        """Ends the tasks that ``hold_vm`` made for a VM."""
        self._control("free_vm", {"name": name})

    def vm_files(self, name: str) -> list[dict[str, Any]]:
        """The files of a VM: ``name path kind device size sha1 capacity received``."""
        return self._list("vm_files", name=name)

    def set(self, **knobs: Any) -> None:
        """Turns knobs while it runs.

        Args:
            **knobs: ``bandwidth`` (bytes per second of each stream; 0 for no limit),
                ``lease_timeout``, ``initializing``, ``stable_streams``; until the next ``reset``
                also ``exclusive_leases`` (an export is refused with ``TaskInProgress`` while
                another lease covers the VM; else two may read it at once), and of uploads
                ``upload_status`` (what each is answered; 0 for 200 to a POST and 201 to a PUT),
                ``chunked_uploads``, ``octet_stream`` (both are refused otherwise).
        """
        self._control("set", knobs)

    def _list(self, operation: str, **arguments: Any) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = self._control(operation, arguments)
        return result

    @cached_property
    def _control_context(self) -> ssl.SSLContext:
        """To make one for each call took a sixth of what tests that ask again and again need."""
        return self.ssl_context()

    def _control(self, operation: str, arguments: dict[str, Any]) -> Any:
        parts = urlsplit(self.control_url)
        assert parts.hostname is not None
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                parts.hostname, parts.port, context=self._control_context, timeout=60
            )
        else:
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        body = json.dumps({"operation": operation, "arguments": arguments})
        try:
            connection.request("POST", parts.path, body, {"X-Control-Token": self.control_token})
            response = connection.getresponse()
            answer = json.loads(response.read() or b"{}")
        except OSError as error:
            raise SimulatorError(f"{operation}: {self._process.ended() or error}") from error
        finally:
            connection.close()
        if response.status == 400:
            raise ValueError(f"{operation}: {answer['error']}")
        if response.status != 200:
            raise SimulatorError(f"{operation}: HTTP {response.status}")
        return answer["result"]
