"""The same jobs by govc and by nfclease, as a person types them: lines, seconds, CPU.

    python -m benchmarks.commands [--disk-mib 256] [--rounds 3]      # or: make bench-commands

The two take turns. It prints the rows of the table in ``docs/beside-govc.md``, which has the very
lines; it fails when a command does, or when the bytes of an import are wrong.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from nfclease.simulator import Simulator

from .measure import ClientFailedError, Cost, run
from .ova import DISKS, Stage
from .rounds import SHARED_MEMORY
from .scenarios import MIB, WrongBytesError
from .server import build_peers

TOOLS = ("govc", "nfclease")


@dataclass(frozen=True)
class Job:
    """One job, by each tool.

    Attributes:
        title: Its row.
        govc: The lines of shell.
        nfclease: The same by ours.
        before: What has to be there, and is not timed.
        clean: What makes room for the next run, and is not timed.
        imports: Whether there is a VM then whose bytes are compared.
    """

    title: str
    govc: str
    nfclease: str
    before: str = ":"
    clean: str = ":"
    imports: bool = False

    def lines(self, tool: str) -> str:
        """Those of one tool."""
        return self.govc if tool == "govc" else self.nfclease


JOBS = (
    Job(
        "Export a VM to a directory",
        "govc export.ovf -sha 256 -vm demo-vm by-govc",
        "nfclease export demo-vm -o demo-vm",
        clean="rm -rf by-govc demo-vm",
    ),
    Job(
        "Export a VM to an .ova",
        """\
govc export.ovf -sha 256 -vm demo-vm unpacked
(cd unpacked/demo-vm && tar -cf ../../by-govc.ova --format ustar *.ovf *.mf *.vmdk)
rm -r unpacked""",
        "nfclease export demo-vm -o demo-vm.ova",
        clean="rm -f by-govc.ova",
    ),
    Job(
        "Export a VM that runs",
        """\
govc snapshot.create -vm running-vm -m=false -q export
govc export.ovf -sha 256 -vm running-vm -snapshot export by-govc
govc snapshot.remove -vm running-vm export""",
        "nfclease export running-vm --snapshot -o running-vm",
        clean="rm -rf by-govc running-vm",
    ),
    Job(
        "Import an .ova",
        "govc import.ova -name copy-1 demo-vm.ova",
        "nfclease import demo-vm.ova --name copy-2",
        imports=True,
    ),
    Job(
        "See whether an .ova is whole",
        """\
mkdir whole
tar -xf demo-vm.ova -C whole
(cd whole && sed -E 's/^SHA256\\((.*)\\)= (.*)$/\\2  \\1/' *.mf | sha256sum -c)
rm -r whole""",
        "nfclease verify demo-vm.ova",
    ),
    Job(
        "See what is in an .ova",
        "govc import.spec demo-vm.ova",
        "nfclease inspect demo-vm.ova",
    ),
    Job(
        "List the VMs",
        "govc find / -type m",
        "nfclease ls",
    ),
    Job(
        "Free a VM that a dead lease holds",
        r"""govc task.cancel $(govc tasks | sed -n 's/^ExportVm.*Task:\(task-[0-9]*\).*/\1/p')""",
        "nfclease release demo-vm --yes",
        before="govc export.ovf -f -lease -vm demo-vm",
    ),
)
#: What an import of each tool is called.
COPIES = {"govc": "copy-1", "nfclease": "copy-2"}


def shell(stage: Stage, lines: str) -> Cost:
    """Runs them in the stage's folder."""
    where = ["--vcenter", str(stage.vcenter), "--directory", str(stage.folder)]
    return run([sys.executable, "-m", "benchmarks.clients.shell", *where, lines], stage)


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--disk-mib", type=int, default=256, help=f"each of the {DISKS}")
    args = parser.parse_args()
    size = args.disk_mib * MIB
    roomy = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > 5 * DISKS * size
    costs: dict[tuple[str, str], list[Cost]] = defaultdict(list)
    with (
        tempfile.TemporaryDirectory(
            prefix="nfclease-bench-", dir=SHARED_MEMORY if roomy else None
        ) as folder,
        Simulator(disks=DISKS, disk_size=size, stable_streams=True) as simulator,
    ):
        stage = Stage(simulator, Path(folder), build_peers() / "govc")
        try:
            shell(stage, "nfclease export demo-vm -o exported")  # what an import is compared with
            for _ in range(args.rounds):
                for job in JOBS:
                    for tool in TOOLS:
                        costs[job.title, tool].append(play(stage, job, tool))
        except (WrongBytesError, ClientFailedError) as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
    report(costs)
    where = "tmpfs" if roomy else "disk"
    print(f"\n{DISKS} disks of {args.disk_mib} MiB, {args.rounds} round(s) on {where}")
    return 0


def play(stage: Stage, job: Job, tool: str) -> Cost:
    """One run, and what has to be done for the next."""
    shell(stage, job.before)
    if job.nfclease.endswith("-o demo-vm.ova"):
        (stage.folder / "demo-vm.ova").unlink(missing_ok=True)  # the last one is for later jobs
    cost = shell(stage, job.lines(tool))
    if job.imports:
        stage.judge(stage.folder / "exported", COPIES[tool])
    shell(stage, job.clean)
    return cost


def report(costs: dict[tuple[str, str], list[Cost]]) -> None:
    """Prints the rows: lines, median seconds and CPU of each tool."""
    print("| Job | Lines: govc | nfclease | Seconds: govc | nfclease | CPU-s: govc | nfclease |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for job in JOBS:
        cells = [job.title, *(str(len(job.lines(tool).splitlines())) for tool in TOOLS)]
        cells += [f"{median(cost.wall for cost in costs[job.title, tool]):.2f}" for tool in TOOLS]
        cells += [f"{median(cost.cpu for cost in costs[job.title, tool]):.2f}" for tool in TOOLS]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    sys.exit(main())
