"""A file system of FUSE that a case writes to, mounted where nobody else sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ...support.waiting import wait_for
from .places import ROOT
from .world import World


def own_mounts(_: str) -> list[str]:
    """A process whose mounts nobody else sees."""
    return ["unshare", "--user", "--map-root-user", "--mount"]


def needs_fuse() -> str:
    """Why nothing of FUSE can be mounted here; empty where it can."""
    try:
        import mfusepy
    except ImportError:
        return "no mfusepy"
    except OSError as error:
        return f"mfusepy found no libfuse: {error}"
    if mfusepy.fuse_version_major != 3:
        return "no libfuse 3, which alone has the flags of a rename"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse is missing, or may not be used"
    tried = subprocess.run([*own_mounts(""), "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "no mount namespace of one's own here"


def store_below(world: World, *faults: str) -> Path:
    """Lets the jobs write to an object store with these faults; returns the directory below it."""
    backing, where = world.own / "backing", world.own / "mounted"
    backing.mkdir()
    where.mkdir()
    world.write_below(backing)
    command = [sys.executable, "-m", "tests.faults.harness.object_store"]
    process = subprocess.Popen(
        [*command, str(backing), str(where), *faults], cwd=ROOT, stderr=subprocess.PIPE
    )

    def end() -> None:
        subprocess.run(["umount", "--lazy", str(where)], check=False, capture_output=True)
        process.kill()
        process.communicate(timeout=10)

    world.stack.callback(end)
    wait_for(lambda: os.path.ismount(where) or process.poll() is not None)
    if process.poll() is not None:
        raise RuntimeError(f"nothing was mounted: {process.communicate()[1].decode()[-500:]}")
    world.target = where / "target"
    return world.target
