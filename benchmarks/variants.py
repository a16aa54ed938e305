"""The clients that are compared, and how each is started."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .measure import ENVIRONMENT
from .server import ROOT, Server

#: `benchmarks/transport.rs`.
TRANSPORT = ROOT / "target" / "release" / "examples" / "transport"


@dataclass(frozen=True)
class Variant:
    """One client."""

    name: str
    title: str
    command: tuple[str, ...]
    python: bool = True

    def arguments(self, verb: str, server: Server, *flags: str) -> list[str]:
        """The command line up to the pairs of URL and file."""
        trust = ["--thumbprint", server.thumbprint]
        if self.python:
            trust += ["--certificate", str(server.certificate), "--vcenter", str(server.vcenter)]
        return [*self.command, verb, *trust, *flags]

    def missing(self) -> str:
        """Why it cannot run here, or nothing."""
        if not self.python:
            return "" if Path(self.command[0]).exists() else "not built: make bench-quick"
        run = subprocess.run(
            [*self.command, "probe"], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True
        )
        return run.stderr.strip().splitlines()[-1] if run.returncode else ""


def variants(programs: Path) -> list[Variant]:
    """All clients, in the order of the tables."""

    def module(name: str) -> tuple[str, ...]:
        return (sys.executable, "-m", f"benchmarks.clients.{name}")

    return [
        Variant("nfclease", "nfclease", module("with_nfclease")),
        Variant("core", "its core, no lease", (str(TRANSPORT),), python=False),
        Variant("go", "Go, govmomi's way", (str(programs / "benchclient"),), python=False),
        Variant("requests", "requests, 1 MiB blocks", module("with_requests")),
        Variant("sample", "community sample's loop", module("with_sample")),
    ]
