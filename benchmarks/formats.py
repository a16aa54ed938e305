"""What a disk costs that is checked to the grain, or becomes another file, beside qemu-img and 7zz.

    python -m benchmarks.formats [--disk-mib 2048] [--rounds 5]      # or: make bench-formats

The disk has holes, files of this system and noise, as that of a VM has. The tools take turns, each
as a process of its own whose whole CPU counts. It never judges a time; it fails when a tool does,
or when an image is another one.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from nfclease import image

from .format_tools import AIMS, MOST, MOST_MIB, STREAM_OPTIONS, TOOLS, Tool
from .memory import renew
from .rounds import SHARED_MEMORY
from .scenarios import MIB

GIB = 1 << 30
#: Shares of the disk: no grain, files, noise.
HOLES, FILES = 0.45, 0.37
PIECE = 4 * MIB
#: Seconds between two looks at the memory of a tool.
LOOK = 0.01


class Files:
    """The same disk in several formats, and what a tool makes of one."""

    def __init__(self, folder: Path) -> None:
        self.raw, self.qemu = folder / "disk.raw", folder / "qemu.vmdk"
        #: In VMware's layout, which 7zz wants.
        self.disk = folder / "disk.vmdk"
        self.image = folder / "image.vmdk"


@dataclass(frozen=True)
class Cost:
    """One run."""

    wall: float
    cpu: float
    peak_mib: float


def sample(path: Path, size: int) -> int:
    """Writes a raw disk, and says how much of it is data."""
    chance = random.Random(1)
    files = _pieces_of_files()
    data = 0
    with path.open("wb") as disk:
        disk.truncate(size)
        for at in range(0, size, PIECE):
            what = chance.random()
            if what < HOLES:
                continue
            piece = next(files) if what < HOLES + FILES else chance.randbytes(PIECE)
            disk.seek(at)
            disk.write(piece)
            data += len(piece)
    return data


def _pieces_of_files() -> Iterator[bytes]:
    """Files of this system, one behind the other, again and again."""
    rest = b""
    while True:
        for folder in ("/usr/lib", "/usr/share", "/usr/bin"):
            for root, folders, names in os.walk(folder):
                folders.sort()
                for name in sorted(names):
                    path = Path(root, name)
                    if path.is_symlink() or not path.is_file():
                        continue
                    rest += path.read_bytes()
                    while len(rest) >= PIECE:
                        yield rest[:PIECE]
                        rest = rest[PIECE:]


def run(tool: Tool, files: Files) -> Cost:
    """One run, whose image is removed before the next."""
    command = [word.format_map(vars(files)) for word in tool.command]
    begun, peak = time.monotonic(), 0.0
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            peak = max(peak, peak_mib(process.pid))
            time.sleep(LOOK)
        wall = time.monotonic() - begun
        _, status, usage = ended
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if process.returncode:
            raise RuntimeError(f"{tool.name}: {said.read().decode(errors='replace').strip()}")
    return Cost(wall=wall, cpu=usage.ru_utime + usage.ru_stime, peak_mib=peak)


def peak_mib(pid: int) -> float:
    """The peak of a process so far: ru_maxrss starts with that of the process that launched it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0  # it has ended


def same(raw: Path, made: Path, format: str) -> bool:
    """Whether an image has the bytes of the raw disk, and is without a flaw."""
    paths = [str(raw), str(made)]
    if format == "raw":
        judges = [["cmp", "--quiet", *paths]]
    else:
        judges = [
            ["qemu-img", "compare", "-q", "-f", "raw", "-F", format, *paths],
            ["qemu-img", "check", "-q", "-f", format, str(made)],
        ]
    return all(subprocess.run(judge, check=False).returncode == 0 for judge in judges)


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--disk-mib", type=int, default=2048)
    parser.add_argument("--folder", type=Path, help="where the disk goes; else memory with room")
    args = parser.parse_args()
    size = args.disk_mib * MIB
    roomy = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > 4 * size
    place = args.folder or (SHARED_MEMORY if roomy else None)
    tools = [tool for tool in TOOLS if not tool.missing()]
    for tool in set(TOOLS) - set(tools):
        print(f"{tool.job}, {tool.name}: not run (no {tool.command[0]})")
    if not shutil.which("qemu-img"):
        print("FAILED: qemu-img makes the disk", file=sys.stderr)
        return 1
    costs: dict[Tool, list[Cost]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="nfclease-bench-", dir=place) as name:
        files = Files(Path(name))
        data = sample(files.raw, size)
        subprocess.run(["qemu-img", "convert", *STREAM_OPTIONS, files.raw, files.qemu], check=True)
        image.normalise(files.qemu, files.disk)
        populated = image.convert(files.disk, files.image, to="raw").populated
        sizes: dict[Tool, int] = {}
        for turn in range(args.rounds):
            for tool in tools[:: -1 if turn % 2 else 1]:
                files.image.unlink(missing_ok=True)
                renew(2 * size)
                costs[tool].append(run(tool, files))
                if tool.format is None:
                    continue
                sizes[tool] = files.image.stat().st_blocks * 512
                if not turn and not same(files.raw, files.image, tool.format):
                    print(f"FAILED: {tool.job}, {tool.name}: another image", file=sys.stderr)
                    return 1
        print(
            f"{size / GIB:.2f} GiB, {data / GIB:.2f} written, {populated / GIB:.2f} in grains, ",
            end="",
        )
        print(f"{files.disk.stat().st_size / GIB:.2f} GiB as a stream, on {place or 'disk'}")
    report(costs, sizes, populated)
    return 0


def report(costs: dict[Tool, list[Cost]], sizes: dict[Tool, int], populated: int) -> None:
    """Prints the rows, then the ratios."""
    print(f"{'':46} {'CPU-s/GiB of data':>18} {'wall s':>7} {'peak MiB':>9} {'image MiB':>10}")
    found: dict[tuple[str, str], dict[str, float]] = {}
    for tool in TOOLS:
        if runs := costs.get(tool):
            cpu, wall = (median(getattr(each, key) for each in runs) for key in ("cpu", "wall"))
            size = sizes.get(tool, 0)
            found[tool.job, tool.name] = {"cpu": cpu, "wall": wall, "size": size}
            title = f"{tool.job}, {tool.name}"
            peak = max(each.peak_mib for each in runs)
            row = f"{title:46} {cpu * GIB / populated:18.2f} {wall:7.2f} {peak:9.0f}"
            print(row, f"{size / MIB:10.0f}" if size else "")
    for job, most in MOST:
        cost = found[job, "nfclease"]["cpu"] * GIB / populated
        print(f"{job}, nfclease: {cost:.2f} CPU-s/GiB   aim <= {most:.2f}")
    ours = max(
        run.peak_mib for tool, runs in costs.items() if "nfclease" in tool.name for run in runs
    )
    print(f"nfclease, peak: {ours:.0f} MiB   aim <= {MOST_MIB}")
    for job, other, key, aim in AIMS:
        if (job, other) in found:
            ratio = found[job, "nfclease"][key] / found[job, other][key]
            print(f"{job}, {key}, nfclease / {other}: {ratio:.2f}   aim <= {aim:.2f}")


if __name__ == "__main__":
    sys.exit(main())
