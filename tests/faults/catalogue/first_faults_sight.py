"""U28 to U31: what people look at. The numbers are those of the first report."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

import nfclease
from nfclease import AsyncHttpNfcLease, HttpNfcLease

from ...support.inventory import unique
from ...support.waiting import wait_for
from ..harness.case import LEASES, case
from ..harness.world import DISK_SIZE, World

BLOCKING = LEASES[:1]
_ROOT = Path(__file__).parents[3]


def needs_a_screen() -> str:
    """Why no terminal can be looked at here; empty where one can."""
    missing = [name for name in ("pyte", "rich") if importlib.util.find_spec(name) is None]
    return f"no {', '.join(missing)}" if missing else ""


@case(
    "U28",
    "small files of an export end before big ones, in a terminal of 100, 60 and 30 columns",
    "each file has one place on the screen at any time, and one line that stays",
    faces=BLOCKING,
    variants={str(columns): columns for columns in (100, 60, 30)},
    needs=needs_a_screen,
)
def bars(world: World, columns: int) -> None:
    from ...support.screens import terminal, text_of

    name = unique("u28")
    world.simulator.add_vm(name, disks=2, disk_size=DISK_SIZE, iso=True)
    vm = world.named(name)
    for disk, share in (("disk-1", 1.0), ("disk-2", 0.6)):
        rate = DISK_SIZE * share
        world.simulator.inject("bandwidth", disk=disk, bytes_per_second=rate)
    with (
        pytest.MonkeyPatch.context() as patch,
        terminal(patch, columns) as screens,
        HttpNfcLease(vm.ExportVm()) as lease,
    ):
        lease.wait_ready(10)
        results = lease.download_all(world.target / "all", progress=True)
    world.wanted.append(("Complete",))
    names = [result.name for result in results]
    world.expect(len(names) == 4, f"an image, two disks, an nvram: {names}")
    shown = [text_of(screen) for screen in screens]
    twice = [each for text in shown for each in names if text.count(each) > 1]
    world.expect(not twice, f"on the screen twice: {sorted(set(twice))}")
    stays = [each for each in names if len(re.findall(rf"{re.escape(each)}: ", shown[-1])) != 1]
    world.expect(not stays, f"no line, or two, of {stays}: {shown[-1].split()}")
    _destroyed(vm)


def _destroyed(vm: Any) -> None:
    task = vm.Destroy_Task()
    wait_for(lambda: task.info.state not in ("queued", "running"))


@case(
    "U29",
    "a directory is missing, its parent too; and a notebook shows a list of results",
    "an error of two frames of ours; a last level that is missing is made; one table",
    faces=BLOCKING,
)
def shown(world: World) -> None:
    ours = str(Path(nfclease.__file__).parent)
    world.failed = True
    with HttpNfcLease(world.vm.ExportVm()) as lease:
        lease.wait_ready(10)
        try:
            lease.download_all(world.target / "missing" / "out")
        except FileNotFoundError as error:
            frames = traceback.extract_tb(error.__traceback__)
            traceback.clear_frames(error.__traceback__)
            count = sum(frame.filename.startswith(ours) for frame in frames)
            world.expect(1 <= count <= 2, f"{count} frames of ours")
            world.expect(str(world.target / "missing") in str(error), "the directory is named")
        else:
            world.expect(False, "the directory is missing")
        world.expect(not world.requests(), "no byte was asked for")
        results: Any = lease.download_all(world.folder / "made")
    html = results._repr_html_()
    world.expect(html.count("<table>") == 1 and results[0].name in html, "one table has all")
    world.wanted.append(("Complete",))


@case(
    "U30",
    "ExportVm takes a second, and a coroutine opens its lease by it",
    "the loop goes on meanwhile",
    faces=("asyncio",),
)
def loop_is_free(world: World) -> None:
    world.simulator.inject("soap_delay", method="ExportVm", seconds=1.0)
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.02)

    async def export() -> int:
        ticking = asyncio.ensure_future(tick())
        async with AsyncHttpNfcLease(world.vm.ExportVm) as lease:
            opened = turns
            ticking.cancel()
            await lease.wait_ready(10)
            await lease.download_all(world.target)
        return opened

    opened = asyncio.run(export())
    world.expect(opened >= 5, f"the loop had {opened} turns until the lease was there")
    world.wanted.append(("Complete",))


_HEAVY = {"pyVmomi", "asyncio", "logging", "ssl", "http", "json", "typing", "dataclasses", "rich"}
_IMPORT = f"""
import sys, time
began = time.process_time()
import nfclease
print(time.process_time() - began, *sorted({_HEAVY!r} & sys.modules.keys()))
"""
_PAGES = ("running", "exporting", "importing", "privileges", "switching", "errors", "limits")


@case(
    "U31",
    "a script imports nfclease; somebody looks for how to do it",
    "nothing heavy is loaded before it is used; each subject has its page, which can be searched",
    faces=BLOCKING,
)
def found(world: World) -> None:
    command = [sys.executable, "-c", _IMPORT]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    seconds, *loaded = done.stdout.split()
    world.numbers["CPU of the import"] = float(seconds)
    world.expect(not loaded, f"the import loads {loaded}")
    site = (_ROOT / "mkdocs.yml").read_text("utf-8")
    missing = [page for page in _PAGES if f"{page}.md" not in site]
    world.expect(not missing, f"not on the site: {missing}")
    world.expect("- offline" in site, "the search works from the disk")
