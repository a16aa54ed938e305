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

from .recipe import DISK_SIZE, Recipe

#: What an import is called.
IMPORTED = "from-the-soup"


class CallersError(Exception):
    """What a callback of the caller's raises."""


def job_of(recipe: Recipe, vm: Any, package: Path, target: Path) -> Callable[[], list[Any]]:
    """The work of a face; it returns what it says of the files."""
    work: Callable[[], Any]
    options: dict[str, Any] = {**recipe.options, "progress": _callback(recipe)}
    if recipe.face in ("blocking", "asyncio"):
        progress, made = options.pop("progress"), vm.ExportVm()
        if recipe.face == "blocking":
            return lambda: _lease(made, target, progress, options)
        return lambda: _run(recipe, lambda: _async_lease(made, target, progress, options))
    if recipe.imports:
        pool = vm.resourcePool
        options |= {"name": IMPORTED, "datastore": vm.datastore[0], "folder": vm.parent}
        if recipe.face == "import_vapp":
            work = partial(nfclease.import_vapp, package, pool, **options)
        else:
            awaited = partial(nfclease.import_vapp_async, package, pool, **options)
            work = partial(_run, recipe, awaited)
    else:
        path = target / ("package.ova" if recipe.archive else "package")
        options["overwrite"] = True
        if recipe.face == "export_vm":
            work = partial(nfclease.export_vm, vm, path, **options)
        else:
            work = partial(_run, recipe, partial(nfclease.export_vm_async, vm, path, **options))
    return lambda: list(work().files)


def _lease(made: Any, target: Path, progress: Any, options: dict[str, Any]) -> list[Any]:
    with HttpNfcLease(made, **options) as lease:
        lease.wait_ready(10)
        results: list[Any] = lease.download_all(target, overwrite=True, progress=progress)
        return results


async def _async_lease(
    made: Any, target: Path, progress: Any, options: dict[str, Any]
) -> list[Any]:
    async with AsyncHttpNfcLease(made, **options) as lease:
        await lease.wait_ready(10)
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
        happens: Does what needs the server: ends the session, or the lease.
    """
    if recipe.trouble == "full":
        with _small_files(int(DISK_SIZE * recipe.moment)):
            yield
        return
    if recipe.trouble == "signal":
        main = threading.main_thread().ident
        assert main is not None
        happens = partial(signal.pthread_kill, main, signal.SIGINT)
    elif recipe.trouble not in ("logged out", "expires"):
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
