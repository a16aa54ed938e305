"""The jobs of the soup, one for each face, and what can happen to each of them on this side."""

from __future__ import annotations

import asyncio
import resource
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import nfclease
from nfclease import AsyncHttpNfcLease, HttpNfcLease

from .faults import DISK_SIZE
from .recipe import LEASES, Recipe

#: What an import is called.
IMPORTED = "from-the-soup"


class CallersError(Exception):
    """What a callback of the caller's raises."""


def job_of(recipe: Recipe, vm: Any, packages: Path, target: Path) -> Callable[[], list[Any]]:
    """The work of a face; it returns what it says of the files."""
    options: dict[str, Any] = {**recipe.options, "progress": _callback(recipe)}
    if recipe.face in LEASES:
        progress, made = options.pop("progress"), vm.ExportVm()
        if recipe.face == "blocking":
            return lambda: _lease(made, target, progress, options)
        return lambda: _run(recipe, lambda: _async_lease(made, target, progress, options))
    given: tuple[Any, ...]
    if recipe.imports:
        given = (package_of(recipe, packages), vm.resourcePool)
        options["convert"] = bool(recipe.disks)
    elif recipe.makes:
        given = (vm, vm.resourcePool)
    else:
        given = (vm, target / ("package.ova" if recipe.archive else "package"))
        options |= {"overwrite": True, "disk_format": recipe.disks or None}
    if recipe.makes:
        options |= {"name": IMPORTED, "datastore": vm.datastore[0], "folder": vm.parent}
    if not recipe.imports:
        options["snapshot"] = recipe.snapshot or None
    work = partial(getattr(nfclease, recipe.face), *given, **options)
    if recipe.face.endswith("_async"):
        return lambda: list(_run(recipe, work).files)
    return lambda: list(work().files)


def package_of(recipe: Recipe, packages: Path) -> Path:
    """What an import reads, of those that the stage has made."""
    return packages / f"{recipe.disks or 'streams'}{'.ova' if recipe.archive else ''}"


def _lease(made: Any, target: Path, progress: Any, options: dict[str, Any]) -> list[Any]:
    with HttpNfcLease(made, **options) as lease:
        lease.wait_ready(3)
        results: list[Any] = lease.download_all(target, overwrite=True, progress=progress)
        return results


async def _async_lease(
    made: Any, target: Path, progress: Any, options: dict[str, Any]
) -> list[Any]:
    async with AsyncHttpNfcLease(made, **options) as lease:
        await lease.wait_ready(3)
        results: list[Any] = await lease.download_all(target, overwrite=True, progress=progress)
        return results


def _run(recipe: Recipe, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Runs a coroutine, and cancels it where the recipe says so."""

    async def cancelled() -> Any:
        task = asyncio.ensure_future(work())
        asyncio.get_running_loop().call_later(recipe.moment, task.cancel)
        return await task

    return asyncio.run(cancelled() if recipe.trouble == "cancelled" else work())


def _callback(recipe: Recipe) -> Callable[[Any], None] | None:
    if recipe.trouble != "raises":
        return None
    left = [int(recipe.moment * 8)]

    def tell(progress: Any) -> None:
        left[0] -= 1
        if left[0] < 0 or progress.done:
            raise CallersError("the caller's own")

    return tell


@contextmanager
def trouble(recipe: Recipe, happens: Callable[[], None]) -> Iterator[None]:
    """A block in which what the recipe says happens on this side.

    Args:
        recipe: Says what.
        happens: Does what needs the server, or another process: ends the session, the lease, or
            the process with the job.
    """
    if recipe.trouble == "full":
        with _small_files(int(DISK_SIZE * recipe.moment)):
            yield
        return
    if recipe.trouble == "signal":
        main = threading.main_thread().ident
        assert main is not None
        happens = partial(signal.pthread_kill, main, signal.SIGINT)
    elif recipe.trouble not in ("logged out", "expires", "killed"):
        yield
        return
    timer = threading.Timer(recipe.moment, happens)
    with ExitStack() as stack:
        stack.callback(timer.join)
        stack.callback(timer.cancel)
        timer.start()
        yield


@contextmanager
def _small_files(size: int) -> Iterator[None]:
    """No file of this process may become longer, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
