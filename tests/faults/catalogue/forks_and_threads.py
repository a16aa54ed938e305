"""P: processes that fork, threads that share a session, the GIL, and many transfers in a row."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import ssl
import threading
import warnings
from functools import partial
from typing import Any

from pyVim.connect import SmartConnect

import nfclease
from nfclease import ForkError, HttpNfcLease
from nfclease.inventory import find

from ...support.leases import disk_of
from ...support.smoke import login
from ..harness import invariants
from ..harness.case import LEASES, case
from ..harness.world import DISK, DISK_SIZE, World


@case(
    "P03",
    "an extension holds the GIL for more than twice the lease's time",
    "the lease lives, and the disk comes",
    faces=LEASES[:1],
    options={"lease_timeout": 3.0},
    stars=2,
)
def gil_held(world: World) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE / 8)
    with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        transfer = lease.start_download(
            disk_of(lease), world.target / "disk-0.vmdk", overwrite=True
        )
        ctypes.PyDLL(None).sleep(7)
        world.expect(transfer.result().verified == "manifest", "it is verified")
    world.wanted.append(("Complete",))


@case(
    "P09",
    "the process forks in the middle of a disk, and the child uses what it has",
    "ForkError there, the whole disk here, and no Abort of the child",
    faces=LEASES[:1],
    stars=2,
)
def forked(world: World) -> None:
    world.simulator.inject("bandwidth", disk=DISK, bytes_per_second=DISK_SIZE)
    with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
        transfer = lease.start_download(
            disk_of(lease), world.target / "disk-0.vmdk", overwrite=True
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            _in_the_child(lease, transfer)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        world.expect(status == 3, f"three ForkErrors in the child, not {status}")
        world.expect(transfer.result().verified == "manifest", "the parent's disk is verified")
    world.wanted.append(("Complete",))


def _in_the_child(lease: Any, transfer: Any) -> None:
    refused = 0
    try:
        uses = [partial(lease.Progress, 1), partial(transfer.result, 1), lease.close]
        while uses:
            try:
                uses.pop()()
            except ForkError:
                refused += 1
        del lease, transfer
        gc.collect()
    finally:
        os._exit(refused)


def _export_in_child(simulator_login: list[str], name: str, target: str) -> str:
    host, port, user, password, ca_file = simulator_login
    context = ssl.create_default_context(cafile=ca_file)
    service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
    result = nfclease.export_vm(find(service, name), target)
    return ",".join(sorted({file.verified for file in result.files}))


@case(
    "P10",
    "a pool of forked processes, each of which exports",
    "all of them work",
    faces=("export_vm",),
)
def pool_of_forks(world: World) -> None:
    context = multiprocessing.get_context("fork")
    arguments = [
        (login(world.simulator), "one", str(world.target / f"fork-{number}")) for number in range(4)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with context.Pool(2) as pool:
            found = pool.starmap(_export_in_child, arguments)
            pool.close()
            pool.join()
    world.expect(found == ["manifest"] * 4, f"all are verified: {found}")
    world.wanted += [("Complete",)] * 4


@case(
    "P14",
    "two hundred transfers in one process",
    "threads, descriptors and memory are what they were",
    faces=("blocking", "asyncio", "export_vm"),
    deadline=120.0,
    growth=24 << 20,
)
def two_hundred(world: World) -> None:
    for _ in range(100):
        world.job()
    gc.collect()
    half = invariants.resident()
    for _ in range(100):
        world.job()
    gc.collect()
    grown = invariants.resident() - half
    world.expect(grown < 2 << 20, f"the second hundred adds less than 2 MiB, not {grown} bytes")


@case(
    "P15",
    "eight threads share a session, each with leases of its own",
    "all of them work",
    faces=LEASES[:1],
)
def eight_threads(world: World) -> None:
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with HttpNfcLease(world.vm.ExportVm(), **world.options) as lease:
                lease.download(disk_of(lease), world.target / f"thread-{number}")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.expect(not failed, f"no thread fails: {failed}")
    world.wanted += [("Complete",)] * 8
