"""What a case has to play with, and what it says has to come of it."""

from __future__ import annotations

import random
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from pyVim.connect import Disconnect
from pyVmomi import vim

from nfclease.simulator import Simulator

from ...support.importing import vm_names
from ...support.inventory import find
from . import invariants, secrets, texts
from .case import Case
from .jobs import JOBS, JobFailed, plant, unverified

#: A part of the name of the disk of either VM.
DISK = "disk-0"
#: Of the disk of the usual VM: several buffers and grains.
DISK_SIZE = 3 << 20
#: Of one that no socket takes at once.
LARGE_SIZE = 24 << 20
#: What a transfer of a case waits for, at most, and how often it begins again.
OPTIONS: dict[str, Any] = {"max_retries": 1, "timeout": 2.0}


class World:
    """One run of a case.

    Attributes:
        simulator: The server, with no fault in place.
        service: A session of this run.
        vm: The VM that the jobs are about; it has one disk, ``disk-0.vmdk``.
        target: The directory that jobs write to.
        face: What the case is run on.
        options: Of the lease of each job.
        random: Chance, which the seed of the run decides.
        stack: Ends what the case has started, such as hosts.
        texts: What else a reader may see, such as the output of a child.
        pickles: Of the errors that came.
        secrets: What no text may have, and what each of them is.
        wanted: The calls that end leases, for each lease that is to have some.
        held: How many leases may be held at the end.
        vms_left: How many VMs of an import that failed may be there.
        violations: What did not come as the case says.
        failed: Whether a job was to fail and did.
        numbers: What the case has measured, in seconds, by what it is.
        connect: Opens a session; a case may put something between.
        progress: What the job is to call with its progress.
        moved: Makes of a device one at another place; a case may.
    """

    def __init__(
        self, case: Case, face: str, simulator: Simulator, folder: Path, seed: int
    ) -> None:
        self.case, self.face, self.simulator, self.folder = case, face, simulator, folder
        self.target = folder / "target"
        self.target.mkdir()
        plant(face, self.target)
        self.random = random.Random(f"{seed} {case.id} {face}")
        self.options = dict(OPTIONS)
        self.stack = ExitStack()
        self.connect: Callable[[], Any] = simulator.connect
        self.moved: Callable[[Any], Any] | None = None
        self.progress: Callable[[Any], object] | None = None
        self.texts: list[str] = []
        self.pickles: list[str] = []
        self.wanted: list[tuple[str, ...]] = []
        self.held = self.vms_left = 0
        self.violations: list[str] = []
        self.numbers: dict[str, float] = {}
        self.failed = False
        self.secrets = {simulator.password: "the password"}
        self._name = "one"
        self.open_session()
        self.package = folder.parent / "packages" / "one"
        self.keep()
        self.vms = vm_names(self.service)

    def open_session(self) -> None:
        """Opens the session of the case, as ``connect`` does."""
        self.service: Any = self.connect()
        found = re.search(r'="?([^";]+)', self.service._stub.cookie)
        assert found
        self.secrets[found.group(1)] = "the session's cookie"
        self.vm: Any = self.named(self._name)

    def named(self, name: str) -> Any:
        """The VM of this name."""
        return find(self.service, vim.VirtualMachine, name)

    def large(self) -> None:
        """Lets the jobs be about a VM whose disk no socket takes at once."""
        self._name = "large"
        self.vm = self.named("large")
        self.package = self.folder.parent / "packages" / "large"

    def write_below(self, folder: Path) -> None:
        """Lets the jobs write to a directory of this one."""
        self.target = folder / "target"
        self.target.mkdir()
        plant(self.face, self.target)
        self.keep()

    def keep(self) -> None:
        """What the target has now is what it has to have after a failure."""
        self.before = invariants.tree_of(self.target)

    @property
    def own(self) -> Path:
        """The directory that the process of the case was started for."""
        return self.folder.parent.parent / "own"

    def saw(self, lease: Any) -> None:
        """Learns the tickets of a lease."""
        for device in lease.info.deviceUrl:
            self.ticket(device.url)

    def ticket(self, path: str) -> None:
        """Learns the one in the path of a data request, or in its address."""
        if found := re.search(r"nfc/([^/]{8,})/", path):
            self.secrets[found.group(1)] = "a ticket"

    def job(self, **options: Any) -> list[Any]:
        """Does the work of the face; each lease is completed, unless ``fails`` is around it."""
        results = JOBS[self.face](self, **{**self.options, **options})
        self.wanted.append(("Complete",))
        self.violations += unverified(results)
        return results

    @contextmanager
    def fails(
        self,
        kind: type[BaseException],
        *,
        says: str = "",
        ends: tuple[str, ...] = ("Abort",),
        **attributes: Any,
    ) -> Iterator[None]:
        """A block that ends in this error, and in nothing else.

        Args:
            kind: The class, exactly.
            says: A pattern that the message has.
            ends: The calls that end the lease.
            **attributes: Of the error; a value that can be called has to be true of it.
        """
        self.failed = True
        if ends:
            self.wanted.append(ends)
        try:
            yield
        except JobFailed as error:
            self._judge_job(error, kind, says)
        except BaseException as error:
            self.violations += invariants.error_as_told(error, kind, attributes)
            self._read(error, says)
        else:
            self.violations.append(f"I8: nothing was raised, not {kind.__name__}")

    @contextmanager
    def refuses(self, *kinds: type[BaseException], ends: tuple[str, ...] = ()) -> Iterator[None]:
        """A block that ends in an error of one of these kinds, where more than one is right.

        Args:
            *kinds: The classes, or bases of them.
            ends: The calls that end the lease; none where it is refused before there is one.
        """
        self.failed = True
        if ends:
            self.wanted.append(ends)
        try:
            yield
        except kinds as error:
            self._read(error)
        else:
            self.violations.append(f"I8: nothing was raised, not one of {kinds}")

    @contextmanager
    def reading(self, *kinds: type[BaseException]) -> Iterator[None]:
        """A block that may end in an error of these kinds, and then in one that can be read."""
        try:
            yield
        except kinds as error:
            self._read(error)

    def _judge_job(self, error: JobFailed, kind: type[BaseException], says: str) -> None:
        name = error.failure.error
        if name.rpartition(".")[2] != kind.__name__:
            self.violations.append(f"I8: {name}, not {kind.__name__}: {error}")
        self._read(error, says)

    def _read(self, error: BaseException, says: str = "") -> None:
        """Keeps what a reader sees of an error, and not the error, which holds its lease."""
        shown = traceback.TracebackException.from_exception(error)
        self.texts += ["".join(shown.format()), repr(error), str(vars(error))]
        self.texts += getattr(error, "__notes__", [])
        self.pickles += secrets.pickled(error)
        self.violations += texts.of_error(error)
        if not re.search(says, str(error)):
            self.violations.append(f"I8: the message lacks {says!r}: {str(error)[:300]}")
        while error is not None:  # type: ignore[unreachable,unused-ignore]
            traceback.clear_frames(error.__traceback__)
            error = error.__context__  # type: ignore[assignment]

    def expect(self, held: object, what: str) -> None:
        """A claim of the case, in words that are told where it does not hold."""
        if not held:
            self.violations.append(f"expected: {what}")

    def within(self, what: str, samples: Sequence[float], most: float) -> None:
        """A promise with a number, which the longest of some samples must keep."""
        self.numbers[what] = longest = max(samples, default=float("inf"))
        self.expect(longest <= most, f"{what}: {longest:.3f} s, not {most} s")

    def requests(self) -> list[dict[str, Any]]:
        """The data requests so far, whose tickets are secrets from now on."""
        found = self.simulator.requests()
        for each in found:
            self.ticket(each["path"])
        return found

    def close(self) -> None:
        """Ends the session, and what the case has started."""
        self.stack.close()
        self.requests()
        with suppress(Exception):  # a case may have ended the session
            Disconnect(self.service)
        self.service._stub.DropConnections()
        self.vm = self.service = None
