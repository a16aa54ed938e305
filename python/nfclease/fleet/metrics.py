"""Metrics of a run, as a file for node_exporter or at an address that Prometheus asks."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress

from nfclease._log import extra, logger
from nfclease._text import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

    from nfclease.fleet.events import Event

__all__ = ["Metrics"]

#: Seconds of a job: a small VM over a fast network to a large one overnight.
_BUCKETS = (10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 28800, 57600)
#: Seconds between two files, but for the last one.
_INTERVAL = 5.0


class Metrics:
    """Counts what a fleet does, for Prometheus: a callable that takes each event.

    Needs ``pip install 'nfclease[metrics]'``. Labels are vCenters, hosts and states. VMs are not
    labels: each would be a series that stays. Several threads may call it.

    Args:
        path: A file to write, new every few seconds and at the end, whole at any time. One that
            ends in ``.prom`` has Prometheus's text format, which node_exporter's textfile collector
            reads; any other has OpenMetrics 1.0.
        port: A TCP port to answer at, ``http://address:port/metrics``, in the format that is asked
            for; 0 for any free one.
        address: The address of that port: this machine alone if it is left out. It has no login:
            everybody who reaches it can read the names of hosts and the numbers.

    Attributes:
        port: The port that answers; None where none was asked for.

    Raises:
        ImportError: ``prometheus_client`` is missing; the message says how to install it.
        OSError: The file cannot be written, or the port is taken.
        ValueError: Neither path nor port is given.

    Examples:
        >>> from nfclease.fleet import Event, Metrics
        >>> with Metrics("nfclease.prom") as metrics:
        ...     metrics(Event("started", at=1790000000.0, key="a", host="esx1", disks=2))
        >>> metrics.port is None  # a file alone
        True
    """

    port: int | None

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        port: int | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        if path is None and port is None:
            raise ValueError("metrics need a path or a port")
        self._client = _client()
        self._registry = self._client.CollectorRegistry()
        self._made = _made(self._client, self._registry)
        self._mutex = threading.Lock()
        self._running: dict[str, tuple[str, str, int]] = {}
        self._waiting: dict[str, tuple[str, str]] = {}
        self._moved: dict[str, int] = {}
        self._path = None if path is None else os.path.abspath(os.fsdecode(os.fspath(path)))
        self._next = 0.0
        self._failed = False
        self._write()
        self._server: Any = None
        self.port = None
        if port is not None:
            self._server, self._thread = self._client.start_http_server(
                port, address, self._registry
            )
            self.port = int(self._server.server_address[1])

    def __call__(self, event: Event) -> None:
        """Counts one event.

        A file that cannot be written any more is a warning in the log, and ends no run.

        Args:
            event: What changed.
        """
        with self._mutex:
            self._count(event)
            if time.monotonic() >= self._next or event.kind == "stopping":
                self._try_to_write()

    def close(self) -> None:
        """Writes the file once more, and answers no longer; the second call does nothing."""
        with self._mutex:
            self._try_to_write()
            self._path = None
            server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _count(self, event: Event) -> None:
        where = (escaped(event.vcenter), escaped(event.host))
        if event.kind == "waiting":
            self._leave(event.key)
            self._waiting[event.key] = where
            self._made["waiting"].labels(*where).inc()
        elif event.kind == "started":
            self._leave(event.key)
            self._running[event.key] = (*where, event.disks)
            self._made["running"].labels(*where).inc()
            self._made["disks"].labels(*where).inc(event.disks)
            self._made["attempts"].labels(*where).inc()
            self._moved[event.key] = 0
        elif event.kind == "moved":
            self._move(event.key, event.bytes, where)
        elif event.kind == "ended":
            self._end(event, where)

    def _leave(self, key: str) -> None:
        """It neither runs nor waits where it did."""
        if (waited := self._waiting.pop(key, None)) is not None:
            self._made["waiting"].labels(*waited).dec()
        if (ran := self._running.pop(key, None)) is not None:
            self._made["running"].labels(*ran[:2]).dec()
            self._made["disks"].labels(*ran[:2]).dec(ran[2])

    def _move(self, key: str, moved: int, where: tuple[str, str]) -> None:
        """What came since the last look; an attempt that begins anew begins at 0."""
        before = self._moved.get(key, 0)
        more = moved - before if moved >= before else moved
        self._made["bytes"].labels(*where).inc(max(0, more))
        self._moved[key] = moved

    def _end(self, event: Event, where: tuple[str, str]) -> None:
        outcome = event.outcome
        if outcome is not None:
            verdict = "" if outcome.failure is None else outcome.failure.verdict
            self._move(event.key, max(outcome.bytes, self._moved.get(event.key, 0)), where)
            self._made["ended"].labels(*where, outcome.state, verdict).inc()
            if outcome.attempts:
                self._made["seconds"].labels(where[0], outcome.state).observe(outcome.seconds)
            if outcome.state == "done":
                self._made["last"].labels(where[0]).set(event.at)
        self._leave(event.key)
        self._moved.pop(event.key, None)

    def _try_to_write(self) -> None:
        try:
            self._write()
            self._failed = False
        except OSError as error:
            if not self._failed:
                logger().warning("the metrics cannot be written: %s", error, extra=extra())
            self._failed = True

    def _write(self) -> None:
        """Writes a file beside it and renames it, so that readers never see half of one."""
        self._next = time.monotonic() + _INTERVAL
        if self._path is None:
            return
        part = f"{self._path}.{os.getpid()}.part"
        try:
            with open(part, "wb") as opened:
                opened.write(self._text())
            os.replace(part, self._path)
        except OSError:
            with suppress(OSError):
                os.unlink(part)
            raise

    def _text(self) -> bytes:
        if self._path is not None and self._path.endswith(".prom"):
            return bytes(self._client.generate_latest(self._registry))
        from prometheus_client.openmetrics import exposition

        openmetrics: Any = exposition  # the types of some of its releases have gaps
        return bytes(openmetrics.generate_latest(self._registry))


def _client() -> Any:
    try:
        import prometheus_client
    except ImportError as error:
        raise ImportError(
            "metrics need prometheus_client: pip install 'nfclease[metrics]'"
        ) from error
    return prometheus_client


def _made(client: Any, registry: Any) -> dict[str, Any]:
    """The metrics, by what is counted; units and suffixes as OpenMetrics has them."""
    where = ("vcenter", "host")
    rows: tuple[tuple[str, Any, str, str, tuple[str, ...]], ...] = (
        ("waiting", client.Gauge, "waiting_jobs", "Jobs that wait for their turn", where),
        ("running", client.Gauge, "running_jobs", "Jobs that run", where),
        ("disks", client.Gauge, "running_disks", "Disks of the jobs that run", where),
        ("attempts", client.Counter, "attempts", "Attempts that were started", where),
        ("bytes", client.Counter, "moved_bytes", "Bytes moved, of failed attempts too", where),
        (
            "ended",
            client.Counter,
            "jobs",
            "Jobs that ended; the verdict on those that failed is again, later or never",
            (*where, "state", "verdict"),
        ),
        (
            "last",
            client.Gauge,
            "last_done_timestamp_seconds",
            "When the last job was done, in seconds since 1970",
            ("vcenter",),
        ),
    )
    made = {
        key: kind(f"nfclease_fleet_{name}", text, labels, registry=registry)
        for key, kind, name, text, labels in rows
    }
    made["seconds"] = client.Histogram(
        "nfclease_fleet_job_duration_seconds",
        "From a job's first attempt to the end of its last",
        ("vcenter", "state"),
        buckets=_BUCKETS,
        registry=registry,
    )
    return made
