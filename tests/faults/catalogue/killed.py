"""L09 and V10: the process is killed at moments of an export and of a conversion."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import nfclease
from nfclease import image

from ...support.smoke import login
from ...support.waiting import wait_for
from ..harness.case import case
from ..harness.disks import HERE, MIB, PLAIN, raw_disk, stream_of
from ..harness.world import World

VICTIM = """
import ssl, sys
from pyVim.connect import SmartConnect
from pyVmomi import vim
import nfclease
from nfclease.inventory import find
host, port, user, password, ca_file, name, target = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
service = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
print("here", flush=True)
nfclease.export_vm(find(service, name), target, overwrite=True)
"""


@case(
    "L09",
    "the process is killed at one of 40 moments of an export",
    "a final name has a whole package or is not there; the same job works afterwards",
    faces=("export_vm",),
    stars=2,
    deadline=120.0,
    options={"lease_timeout": 3.0},
)
def killed(world: World) -> None:
    shutil.rmtree(world.target)
    world.target.mkdir()
    for number in range(40):
        place = world.target / ("out" if number % 2 else "out.ova")
        process = subprocess.Popen(
            [sys.executable, "-c", VICTIM, *login(world.simulator), "one", str(place)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.readline()
        with suppress(subprocess.TimeoutExpired):
            process.wait(number * 0.005 + world.random.random() * 0.005)
        process.kill()
        world.texts.append(process.communicate()[1].decode())
        if place.exists():
            world.expect(nfclease.verify(place).ok, f"{place.name} is whole after kill {number}")
        world.simulator.expire()
    for name in ("out", "out.ova"):
        nfclease.export_vm(world.vm, world.target / name, overwrite=True)
        world.expect(nfclease.verify(world.target / name).ok, f"{name} afterwards")
    seen = [call["method"] for call in world.simulator.calls() if "LeaseComplete" in call["method"]]
    world.wanted = [("Complete",)] * len(seen)
    for left in world.target.iterdir():  # what a kill may leave, under names of its own
        if left.name not in ("out", "out.ova"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()


@case(
    "V10",
    "the process is killed with SIGKILL at points of a conversion, and it is done again",
    "the final name is absent or the whole image; what a kill leaves does not hinder the next one",
    faces=HERE,
    variants=PLAIN,
    deadline=90.0,
)
def conversion_killed(world: World, options: dict[str, Any]) -> None:
    source = stream_of(world, raw_disk(world, 24 * MIB))
    new = world.target / "new"
    whole = (world.folder / "disk.raw").read_bytes()
    command = [sys.executable, "-m", "nfclease", "convert", str(source), str(new)]
    command += ["--to", options["to"], "--overwrite"]
    for _ in range(6):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        part = new.with_name("new.part")
        wait_for(lambda: part.exists() or child.poll() is not None)  # noqa: B023 - waited for here
        with suppress(subprocess.TimeoutExpired):
            child.wait(world.random.uniform(0, 0.1))
        child.kill()
        child.wait()
        if new.exists():
            world.expect(_plain(world, new, options) == whole, "the image is whole")
    done = subprocess.run(command, capture_output=True, text=True)
    world.expect(done.returncode == 0, f"it can be done again: {done.stderr[-300:]}")
    world.expect(_plain(world, new, options) == whole, "the last image is whole")


def _plain(world: World, made: Path, options: dict[str, Any]) -> bytes:
    """The bytes of the disk in an image."""
    read = world.folder / "read.raw"
    image.convert(made, read, source_format=options["to"], to="raw", overwrite=True)
    return read.read_bytes()
