"""What the clients are asked to do, and one run of it with every digest checked."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from .measure import Cost, digest_of, run, sha1_of
from .server import Server
from .variants import Variant

MIB = 1 << 20
#: Runs without a disk, whose median is what an interpreter costs before and after its transfers.
_IDLE_RUNS = 5


class WrongBytesError(RuntimeError):
    """A client or its file has other bytes than the server."""


@dataclass(frozen=True)
class Scenario:
    """One table."""

    name: str
    title: str
    verb: str
    disks: int
    size: int
    variants: tuple[str, ...]
    # A slow client moves less, and its figures are scaled to a GiB.
    smaller: dict[str, int] = field(default_factory=dict)
    once: frozenset[str] = frozenset()  # too slow to be repeated
    # More than one in each round: of those whose ratio is looked at, and of what is soon over.
    turns: dict[str, int] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    ours: str = "nfclease"  # what the others are compared with
    remarks: dict[str, str] = field(default_factory=dict)  # where one does less than the others

    def size_for(self, variant: str) -> int:
        """Bytes per disk."""
        return self.smaller.get(variant, self.size)

    def total_for(self, variant: str) -> int:
        """Bytes of one run."""
        return self.size_for(variant) * self.disks


def scenarios(disk: int, small_disk: int) -> list[Scenario]:
    """All of them, for one large disk and four smaller ones."""
    fast = ("nfclease", "core", "go", "requests")
    everyone = (*fast, "sample")
    slow = {"sample": min(disk, 64 * MIB)}
    one, four = f"1 disk of {disk // MIB} MiB", f"4 disks of {small_disk // MIB} MiB at once"
    parallel = ("--parallel",)
    return [
        Scenario("export-1", f"export, {one}", "get", 1, disk, everyone, slow),
        Scenario("import-1", f"import, {one}", "put", 1, disk, everyone,
                 {"sample": min(disk, 256 * MIB)}, remarks={"sample": "no digest"}),
        Scenario("export-4", f"export, {four}", "get", 4, small_disk, fast, flags=parallel),
        Scenario("import-4", f"import, {four}", "put", 4, small_disk, fast, flags=parallel),
        Scenario("busy", "export of 32 MiB beside a busy Python thread", "get", 1, 32 * MIB,
                 ("nfclease", "requests"), once=frozenset({"requests"}), flags=("--busy",)),
    ]  # fmt: skip


def all_scenarios(disk: int, small_disk: int) -> list[Scenario]:
    """Those of the whole benchmark: the floor, every client, both digests, a whole package."""
    everyone = ("nfclease", "core", "floor", "go", "requests", "http.client", "curl", "oslo",
                "sample")  # fmt: skip
    both = ("nfclease", "core", "floor", "go", "requests", "http.client")
    at_once = ("nfclease", "core", "go", "go-in-sequence", "requests", "http.client")
    one, four = f"1 disk of {disk // MIB} MiB", f"4 disks of {small_disk // MIB} MiB"
    parallel = ("--parallel",)
    return [
        Scenario("floor", f"the parts of the floor, each alone, {disk // MIB} MiB", "part", 1, disk,
                 ("part-receive", "part-sha1", "part-both", "part-write")),
        Scenario("export-1", f"export, {one}, SHA-1", "get", 1, disk, everyone,
                 {"sample": min(disk, 64 * MIB)}, turns={"nfclease": 3, "floor": 2, "go": 3}),
        Scenario("export-1-both", f"export, {one}, SHA-1 and SHA-256", "get", 1, disk, both,
                 flags=("--sha256",), turns=twice("nfclease", "go")),
        Scenario("import-1", f"import, {one}, SHA-1", "put", 1, disk, everyone,
                 {"sample": min(disk, 256 * MIB)}, remarks={"sample": "no digest"},
                 turns=twice("nfclease", "floor", "go", "requests")),
        Scenario("export-4", f"export, {four} at once", "get", 4, small_disk, at_once,
                 flags=parallel, turns=twice("nfclease", "go", "go-in-sequence")),
        Scenario("import-4", f"import, {four} at once", "put", 4, small_disk, at_once,
                 # Short runs, in which the machine's memory costs little or much by chance.
                 flags=parallel, turns={"nfclease": 3, "go": 3}),
        Scenario("package", f"export of a VM of {four} from the simulator", "package", 4,
                 small_disk, ("export_vm", "govc"), ours="export_vm"),
        Scenario("busy", "export of 32 MiB beside a busy Python thread", "get", 1, 32 * MIB,
                 ("nfclease", "requests", "http.client"),
                 once=frozenset({"requests", "http.client"}), flags=("--busy",),
                 turns={"nfclease": 3}),
    ]  # fmt: skip


def twice(*names: str) -> dict[str, int]:
    """Two turns in each round for these clients."""
    return dict.fromkeys(names, 2)


class Stage:
    """The files that the clients write and read, and what each of them holds."""

    def __init__(self, server: Server, folder: Path, loader: Variant) -> None:
        """``loader`` fills a file before its first use."""
        self._server, self._folder, self._loader = server, folder, loader
        self._holds: dict[Path, int] = {}
        self._uploads: Iterator[int] = itertools.count()
        self._idle: dict[str, float] = {}

    def play(self, scenario: Scenario, variant: Variant) -> Cost:
        """One run of one client."""
        size = scenario.size_for(variant.name)
        files = [self._file(i, size) for i in range(scenario.disks)]
        command = variant.arguments(scenario.verb, self._server, *scenario.flags)
        if scenario.verb == "get":
            cost = self._get(command, files, size, both="--sha256" in scenario.flags)
        else:
            cost = self._put(command, files, size)
        return replace(cost, cpu=cost.cpu - self._idle_cpu(variant))

    def _idle_cpu(self, variant: Variant) -> float:
        """CPU seconds of a client of Python after its start-up that do not belong to a transfer.

        The interpreter takes down its modules when it exits, as it has loaded them at the start.
        """
        if not variant.python:
            return 0.0
        if variant.name not in self._idle:
            command = variant.arguments("get", self._server)
            costs = [run(command, self._server).cpu for _ in range(_IDLE_RUNS)]
            self._idle[variant.name] = median(costs)
        return self._idle[variant.name]

    def _get(self, command: list[str], files: list[Path], size: int, *, both: bool) -> Cost:
        for file in files:
            # Never the disk of the run before: what a client forgot to write could not be told.
            self._holds[file] ^= 1
            command += [self._server.disk_url(self._holds[file], size), str(file)]
            file.unlink()
        cost = run(command, self._server)
        for file, said in zip(files, cost.files, strict=True):
            expected = self._server.disk_sha1(self._holds[file], size)
            check("the client's digest", said["sha1"], expected)
            check("the digest of its file", sha1_of(file), expected)
            if both:
                check("the client's SHA-256", said["sha256"], digest_of(file, "sha256"))
        return cost

    def _put(self, command: list[str], files: list[Path], size: int) -> Cost:
        numbers = [next(self._uploads) for _ in files]
        for number, file in zip(numbers, files, strict=True):
            command += [self._server.upload_url(number), str(file)]
        cost = run(command, self._server)
        for number, file, said in zip(numbers, files, cost.files, strict=True):
            expected = self._server.disk_sha1(self._holds[file], size)
            check("the digest of what the server got", self._server.upload_sha1(number), expected)
            check("the client's digest", said["sha1"] or expected, expected)
        return cost

    def _file(self, index: int, size: int) -> Path:
        file = self._folder / f"disk-{index}-{size}"
        if file not in self._holds:
            self._holds[file] = 2 * index
            url = self._server.disk_url(self._holds[file], size)
            run([*self._loader.arguments("get", self._server), url, str(file)], self._server)
            # The sums of both contents, now and not between two runs.
            for number in (2 * index, 2 * index + 1):
                self._server.disk_sha1(number, size)
        return file


def check(what: str, got: object, expected: object) -> None:
    """Ends the benchmark where a byte is wrong."""
    if got != expected:
        raise WrongBytesError(f"{what} is {got}, not {expected}")
