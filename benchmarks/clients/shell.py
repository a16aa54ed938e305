"""One client that runs lines of shell: what a person types for a whole job, by whichever tool.

    python -m benchmarks.clients.shell --vcenter FILE --directory FOLDER LINES

It prints what ``common.main`` prints; what the lines start counts, since this process waits.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
import time
from pathlib import Path

from .common import usage
from .packages import govc_environment

#: The one of this interpreter, whatever else is installed.
NFCLEASE = f'nfclease() {{ {shlex.quote(sys.executable)} -m nfclease "$@"; }}'


def main() -> None:
    """Does what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--vcenter", type=Path, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("lines")
    args = parser.parse_args()
    at = json.loads(args.vcenter.read_text())
    environment = govc_environment(at)
    environment["PATH"] = os.pathsep.join([str(Path(at["govc"]).parent), environment["PATH"]])
    lines = f"{NFCLEASE}\n{args.lines}"
    startup, begin = usage(), time.perf_counter()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        cwd=args.directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    seconds, total = time.perf_counter() - begin, usage()
    if done.returncode:
        sys.exit(f"{args.lines}: exit code {done.returncode}: {done.stderr[-2000:]}")
    total["peak_kib"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    json.dump({"files": [], "seconds": seconds, "startup": startup, "total": total}, sys.stdout)


if __name__ == "__main__":
    main()
