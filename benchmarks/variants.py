"""The clients that are compared, and how each is started."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .measure import ENVIRONMENT
from .server import ROOT, Server

#: `benchmarks/transport.rs` and `benchmarks/floor/`.
EXAMPLES = ROOT / "target" / "release" / "examples"
TRANSPORT = EXAMPLES / "transport"
FLOOR = EXAMPLES / "floor"


@dataclass(frozen=True)
class Variant:
    """One client.

    Attributes:
        name: Its word in a scenario.
        title: Its row.
        command: What starts it.
        python: Whether it takes the arguments of ``clients/common.py``.
    """

    name: str
    title: str
    command: tuple[str, ...]
    python: bool = True

    def arguments(self, verb: str, server: Server, *flags: str) -> list[str]:
        """The command line up to the pairs of URL and file."""
        if self.name == "go-in-sequence":
            flags = tuple(flag for flag in flags if flag != "--parallel")
        if self.command[0] == str(FLOOR):
            return [*self.command, verb, "--certificate", str(server.certificate), *flags]
        trust = ["--thumbprint", server.thumbprint]
        if self.python:
            trust += ["--certificate", str(server.certificate), "--vcenter", str(server.vcenter)]
        return [*self.command, verb, *trust, *flags]

    def missing(self) -> str:
        """Why it cannot run here, or nothing."""
        if not self.python:
            return "" if Path(self.command[0]).exists() else "not built: make bench"
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
        Variant("go-in-sequence", "Go, one by one (govc)", (str(programs / "benchclient"),), False),
        Variant("floor", "the floor, one thread", (str(FLOOR),), python=False),
        Variant("requests", "requests, 1 MiB blocks", module("with_requests")),
        Variant("http.client", "http.client, readinto", module("with_http_client")),
        Variant("curl", "curl, openssl dgst", module("with_curl")),
        Variant("oslo", "oslo.vmware's shape", module("with_oslo")),
        Variant("sample", "community sample's loop", module("with_sample")),
        Variant("part-receive", "receive and decrypt", (str(FLOOR),), python=False),
        Variant("part-sha1", "SHA-1", (str(FLOOR), "sha1"), python=False),
        Variant("part-both", "SHA-1 and SHA-256", (str(FLOOR), "both"), python=False),
        Variant("part-write", "write a new file", (str(FLOOR), "write"), python=False),
        Variant("export_vm", "nfclease.export_vm", (*module("packages"), "nfclease"), False),
        Variant("govc", "govc export.ovf", (*module("packages"), "govc"), python=False),
    ]
