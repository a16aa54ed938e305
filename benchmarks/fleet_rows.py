"""The rows of ``make bench-fleet``: what is run, what of it is looked at, and what it must be."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain

from .figures import ideal, latest, most_at_once, slope
from .fleet_hosts import Host
from .fleet_stage import Run, Stage, client
from .scenarios import MIB

#: Bytes of the smallest disk that is asked for; its stream has a header and a grain besides.
SMALL = 1024
INTERVAL = 1
CPUS = os.cpu_count() or 1


@dataclass(frozen=True)
class Figure:
    """One number that was seen.

    Attributes:
        what: Its name.
        seen: It.
        unit: Its unit.
        must: What it must not exceed; None for one that is told so that others can be read.
    """

    what: str
    seen: float
    unit: str = ""
    must: float | None = None

    def line(self) -> str:
        """For the tables."""
        said = f"{self.what:54} {self.seen:9.2f} {self.unit:8}"
        if self.must is None:
            return said.rstrip()
        return f"{said} must <= {self.must:g}{'' if self.seen <= self.must else '   NOT MET'}"


@dataclass(frozen=True)
class Row:
    """What one run was, and its figures."""

    title: str
    figures: list[Figure]
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Settings:
    """What the command line says: how many small jobs there are."""

    jobs: int


def schedule(stage: Stage, _: Settings) -> list[Row]:
    """The same schedule of pauses, of exports as long, and of longer ones."""
    for host in stage.hosts:
        host.add("short", 40, 1, SMALL)
    return [
        _schedule(stage, "pauses", 0.1),
        _schedule(stage, "threads", 0.1),
        _schedule(stage, "threads", 0.5),
    ]


def _schedule(stage: Stage, executor: str, seconds: float) -> Row:
    cap, jobs = 2, len(stage.hosts[0].sizes)
    [size] = stage.hosts[0].sizes["short-1"]
    rate = size / seconds
    run = stage.play(stage.hosts, per_host=cap, rate=rate, executor=executor)
    best = ideal([seconds] * jobs, cap)
    figures = [
        Figure("wall from the first start to the last end", _running(run), "s", 1.2 * best),
        Figure("ideal", best, "s"),
        Figure("before the first start: logins and inventories", _before(run), "s"),
    ]
    what = "pauses in threads in place of exports"
    if executor == "threads":
        what = f"exports of {size} bytes at {rate / 1e6:.2f} MB/s a stream"
        figures += [_peak(run, cap), *_work(run)]
    many = f"{len(stage.hosts)} hosts x {jobs} jobs of {seconds} s"
    return Row(f"{many}, sorted by host, cap {cap}: {what}", figures)


def limited(stage: Stage, _: Settings) -> list[Row]:
    """Hosts that are busy all the time: each stream has its limit."""
    hosts, streams, each, rate = stage.hosts[:8], 8, 16, 1_000_000
    for host in hosts:
        host.add("limited", each, 1, 10_000_000)
    best = max(_ideal(host, streams, rate) for host in hosts)
    run = stage.play(hosts, per_host=streams, rate=rate)
    title = f"{len(hosts)} hosts x {streams} streams of {rate / 1e6:g} MB/s, {each} exports of each"
    figures = [
        Figure("wall / ideal of the limits", run.said["seconds"] / best, "x", 1.10),
        Figure("wall with logins, plan and leases", run.said["seconds"], "s"),
        Figure("ideal", best, "s"),
        Figure("before the first start", _before(run), "s"),
        _peak(run, streams),
        *_work(run),
    ]
    return [Row(title, figures)]


def leases(stage: Stage, _: Settings) -> list[Row]:
    """As many leases as a night's backup has at once."""
    hosts = stage.hosts[:8]
    for host in hosts:
        host.add("lease", 8, 4, 2 * MIB)
    base, _threads = client()
    run = stage.play(hosts, per_host=32, rate=128 << 10, keep_alive_interval=INTERVAL)
    mib = (run.said["peak_kib"] - base["peak_kib"]) / 1024
    renewals = [times for host in run.hosts for times in host.renewals().values()]
    at_once = most_at_once(chain.from_iterable(host.streams() for host in run.hosts))
    figures = [
        Figure("memory over Python with pyVmomi", mib, "MiB", 160),
        Figure("the latest Progress, later than its interval", latest(renewals, INTERVAL), "s", 1),
        Figure("Progress of all leases", sum(len(host.progress) for host in run.hosts)),
        Figure("threads of the process", run.threads, "", 16 + CPUS),
        Figure("leases at once", run.peak_leases()),
        Figure("disks that moved at once", at_once),
        Figure("wall", run.said["seconds"], "s"),
        *_work(run),
    ]
    count = 8 * len(hosts)
    return [Row(f"{count} leases, {4 * count} disks, one process", figures)]


def small(stage: Stage, settings: Settings) -> list[Row]:
    """What a job costs beside its bytes, with a journal and a watcher as a nightly run has."""
    hosts, cap = stage.hosts[:4], 8
    for host in hosts:
        host.add("small", settings.jobs // len(hosts), 1, SMALL)
    [size] = hosts[0].sizes["small-1"]
    run = stage.play(hosts, per_host=cap, journal=True)
    jobs = run.said["jobs"]
    figures = [
        Figure("driver's CPU for a job", 1000 * run.said["cpu"] / jobs, "ms", 10),
        Figure("wall", run.said["seconds"], "s"),
        Figure("before the first start: the plan", _before(run), "s"),
        Figure("memory at its most", run.said["peak_kib"] / 1024, "MiB"),
        *_growth(run),
        _peak(run, cap),
        Figure("threads of the process", run.threads),
        Figure("simulators' CPU for a job", 1000 * run.servers_cpu / jobs, "ms"),
    ]
    title = f"{jobs} exports of VMs of {SMALL} bytes ({size} on the wire), {len(hosts)} hosts"
    return [Row(f"{title}, cap {cap}, with a journal", figures)]


def dask(stage: Stage, _: Settings) -> list[Row]:
    """The same exports by threads, and on a cluster of two worker processes."""
    hosts, cap, each, rate = stage.hosts[:4], 2, 12, 1_000_000
    for host in hosts:
        host.add("dask", each, 1, 1_000_000)
    best = max(_ideal(host, cap, rate) for host in hosts)
    threads, cluster = (
        stage.play(hosts, per_host=cap, rate=rate, executor=kind) for kind in ("threads", "dask")
    )
    figures = [
        Figure("wall, threads", threads.said["seconds"], "s"),
        Figure("wall, Dask", cluster.said["seconds"], "s"),
        Figure("Dask / threads", cluster.said["seconds"] / threads.said["seconds"], "x", 1.5),
        Figure("ideal", best, "s"),
        Figure("exports with Dask that were verified", cluster.said["jobs"]),
        _peak(cluster, cap),
    ]
    title = f"Dask, two workers, {each * len(hosts)} exports of {len(hosts)} hosts, cap {cap}"
    return [Row(title, figures)]


#: All of them, by what ``--only`` calls them.
ROWS: dict[str, Callable[[Stage, Settings], list[Row]]] = {
    "schedule": schedule,
    "limited": limited,
    "leases": leases,
    "small": small,
    "dask": dask,
}


def _ideal(host: Host, streams: int, rate: float) -> float:
    return ideal((size / rate for sizes in host.sizes.values() for size in sizes), streams)


def _before(run: Run) -> float:
    return float(run.said["before_first"])


def _running(run: Run) -> float:
    return float(run.said["seconds"]) - _before(run)


def _peak(run: Run, cap: int) -> Figure:
    return Figure("disks of one host at once, as the host counts", run.peak_streams(), "", cap)


def _work(run: Run) -> list[Figure]:
    """Whether the processors were what it waited for."""
    said = run.said
    busy = (said["cpu"] + run.servers_cpu) / said["seconds"]
    return [
        Figure("driver's CPU for a job", 1000 * said["cpu"] / said["jobs"], "ms"),
        Figure("simulators' CPU for a job", 1000 * run.servers_cpu / said["jobs"], "ms"),
        Figure(f"processors of {CPUS} that both kept busy", busy),
    ]


def _growth(run: Run) -> list[Figure]:
    """How the memory grows once the first fifth has ended, which is 1,000 of 5,000 jobs."""
    held = [(ended, kib / 1024) for ended, kib in run.said["held"]]
    late = [(ended, mib) for ended, mib in held if ended >= run.said["jobs"] / 5]
    if len(late) < 2:
        return []
    (first, before), (last, after) = late[0], late[-1]
    return [
        Figure(f"memory after {first} jobs", before, "MiB"),
        Figure(f"memory after {last} jobs", after, "MiB"),
        Figure("growth for 1,000 jobs after that", 1000 * slope(late), "MiB"),
    ]
