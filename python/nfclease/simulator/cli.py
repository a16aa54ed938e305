"""The command line."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import Sequence

from nfclease.simulator.app import Application, bindable
from nfclease.simulator.model import Options

UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def size(text: str) -> int:
    """Bytes from ``1500``, ``64m`` or ``2g``."""
    number, unit = (text[:-1], text[-1].lower()) if text[-1:].lower() in UNITS else (text, "")
    value = int(number) * UNITS.get(unit, 1)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be positive")
    return value


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m nfclease.simulator",
        description="A simulated vCenter. Prints one JSON line, then serves until stdin closes.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address of the vCenter (%(default)s)")
    add("--port", type=int, default=0, help="its port; 0 takes a free one")
    add("--disk-host", help="address of the host that has the disks (127.0.0.2 where there is one)")
    add("--no-tls", action="store_true", help="plain http")
    add("--user", default="administrator@vsphere.local")
    add("--password", help="(default: a new one at each start)")
    add("--disk-size", type=size, default=32 << 20, help="stream size of a disk: 64m, 2g (32m)")
    add("--disks", type=int, default=3, help="disks of each machine (%(default)s)")
    add("--lease-timeout", type=float, default=300.0, help="seconds (%(default)s)")
    add("--initializing", type=float, default=0.3, help="seconds until a lease is ready (0.3)")
    add("--stable-streams", action="store_true", help="two exports of a disk are equal")
    add("--esx", action="store_true", help="a single host: device URLs with '*'")
    add("--api-version", default="8.0.3.0", help="newest API version offered (%(default)s)")
    add("--seed", type=int, default=1, help="what disks are made from (%(default)s)")
    add("--no-stdin", action="store_true", help="serve until SIGTERM or Ctrl-C only")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until told to stop; returns the exit status."""
    args = parse(argv)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(args))
    return 0


async def serve(args: argparse.Namespace) -> None:
    """Starts, announces, waits, stops."""
    options = Options(
        user=args.user,
        password=args.password or secrets.token_urlsafe(12),
        disk_size=args.disk_size,
        disks=args.disks,
        lease_timeout=args.lease_timeout,
        initializing=args.initializing,
        stable_streams=args.stable_streams,
        esx=args.esx,
        tls=not args.no_tls,
        api_version=args.api_version,
        seed=args.seed,
    )
    application = Application(options)
    disk_host = args.disk_host or ("127.0.0.2" if bindable("127.0.0.2") else "127.0.0.1")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    try:
        info = await application.start(args.host, args.port, disk_host)
        print(json.dumps({**info, "pid": os.getpid()}), flush=True)
        watching = None if args.no_stdin else loop.create_task(watch_stdin(stop))
        await stop.wait()
        if watching is not None:
            watching.cancel()
    finally:
        await application.stop()


async def watch_stdin(stop: asyncio.Event) -> None:
    """Stops when stdin closes, which it does when the parent process ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    try:
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    except (ValueError, OSError):
        return  # stdin is a regular file or already closed: signals are left
    while await reader.read(4096):
        pass
    stop.set()
