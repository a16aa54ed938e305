"""A model of a lease, and the events that can meet it, on the simulator over real sockets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pyVmomi import vim, vmodl

from nfclease import HttpNfcLease, HttpStatusError, NfcError, TransferCancelledError

from ...support.leases import disk_of
from ...support.waiting import wait_for
from .world import DISK

#: How the server answers the call that ends a lease.
ANSWERS = st.sampled_from(["ok", "lost", "refused"])


class LeaseMachine(RuleBasedStateMachine):
    """One lease from its opening to its end. What the model says is compared with the server.

    Attributes:
        world: Of the case.
        state: Of the lease at the server, as the model has it.
        sent: The calls that end it which the server must have taken, whoever made them.
        is_over: Whether our block has ended.
        has_failed: Whether a transfer has failed that nobody asked about.
    """

    world: Any

    def __init__(self) -> None:
        super().__init__()
        self.simulator, self.service = self.world.simulator, self.world.service
        self.state = "ready"
        self.sent: list[str] = []
        self.is_over = self.has_failed = False
        self.lease = HttpNfcLease(
            self.world.vm.ExportVm(), keep_alive=False, max_retries=0, timeout=5.0
        )
        self.disk = disk_of(self.lease)
        self.world.saw(self.lease)

    @property
    def is_held(self) -> bool:
        """Whether the server holds the lease."""
        return self.state == "ready"

    @rule(percent=st.integers(0, 99))
    def progress(self, percent: int) -> None:
        """The script's own Progress; a fault exactly when the lease is over."""
        try:
            self.lease.HttpNfcLeaseProgress(percent)
            assert self.is_held, "a Progress of a lease that is over was taken"
        except (vmodl.MethodFault, NfcError):
            assert not self.is_held, "a Progress of a lease that is held was refused"

    @precondition(lambda self: self.is_held)
    @rule(name=st.sampled_from(["vim.fault.NotAuthenticated", "vmodl.fault.SystemError"]))
    def progress_fails(self, name: str) -> None:
        """Once; also as of a session that is gone for the moment."""
        self.simulator.inject("soap_fault", method="HttpNfcLeaseProgress", fault=name, count=1)
        with pytest.raises(vmodl.MethodFault) as caught:
            self.lease.HttpNfcLeaseProgress(1)
        assert type(caught.value).__name__ == name

    @rule()
    def data(self) -> None:
        """A download, verified exactly when the lease is held and ours."""
        try:
            result = self._download()
        except NfcError:
            assert not self.is_held or self.is_over, "a download over a good lease failed"
        else:
            assert self.is_held, "a download over a lease that is over"
            assert result.verified == "manifest"

    @precondition(lambda self: self.is_held and not self.is_over)
    @rule()
    def data_fails(self) -> None:
        """The host refuses; who asked knows."""
        self.simulator.inject("status", disk=DISK, code=410, count=1)
        with pytest.raises(HttpStatusError):
            self._download()

    @precondition(lambda self: self.is_held and not self.is_over)
    @rule()
    def data_fails_unasked(self) -> None:
        """The same, and nobody asks: no Complete from here on."""
        self.simulator.inject("status", disk=DISK, code=410, count=1)
        transfer = self.lease.start_download(self.disk, self._target, overwrite=True)
        wait_for(transfer.done)
        self.has_failed = True

    @precondition(lambda self: self.is_held and not self.is_over)
    @rule()
    def cancelled(self) -> None:
        """A transfer in its middle; the lease stays."""
        before = len(self.simulator.requests())
        fault = self.simulator.inject("stall", disk=DISK, after_bytes=1 << 20)
        transfer = self.lease.start_download(self.disk, self._target, overwrite=True)
        wait_for(lambda: len(self.simulator.requests()) > before or transfer.done())
        transfer.cancel()
        with pytest.raises(TransferCancelledError):
            transfer.result()
        self.simulator.clear(fault)

    @precondition(lambda self: self.is_held)
    @rule()
    def expires(self) -> None:
        self.simulator.expire(self.lease._moId)
        self.state = "error"

    @precondition(lambda self: self.is_held)
    @rule(name=st.sampled_from(["Complete", "Abort"]))
    def another_ends_it(self, name: str) -> None:
        plain: Any = vim.HttpNfcLease(self.lease._moId, self.service._stub)
        getattr(plain, f"HttpNfcLease{name}")()
        self.state = "done" if name == "Complete" else "error"
        self.sent.append(name)

    @precondition(lambda self: not self.is_over)
    @rule(answer=ANSWERS)
    def completes(self, answer: str) -> None:
        """The end of the block without an error."""
        self._answers("HttpNfcLeaseComplete", answer)
        worked = self.is_held and not self.has_failed and answer != "refused"
        ended = self._exit(None)
        assert (ended is None) == worked, f"{ended!r} of a lease that was {self.state}"
        if worked:
            self.state = "done"
            self.sent.append("Complete")
        elif self.is_held:
            self.state = "error"
            self.sent.append("Abort")
        self._over()

    @precondition(lambda self: not self.is_over)
    @rule(answer=ANSWERS)
    def aborts(self, answer: str) -> None:
        """The end of the block with an error, which comes out whatever the Abort says."""
        self._answers("HttpNfcLeaseAbort", answer)
        error = RuntimeError("of the block")
        assert self._exit(error) is error
        if self.is_held and answer != "refused":
            self.sent.append("Abort")
            self.state = "error"
        self._over()

    @invariant()
    def the_server_agrees(self) -> None:
        """On the lease's state, and on what ended it."""
        moid = self.lease._moId
        [seen] = [one for one in self.simulator.leases() if one["moid"] == moid]
        assert seen["state"] == self.state
        taken, every = self._ends()
        assert taken == self.sent
        for name in ("Complete", "Abort"):
            assert every.count(name) <= 1 + self.sent.count(name), "called twice by us"

    def teardown(self) -> None:
        self.simulator.clear()
        held = self.is_held
        if not self.is_over:
            self._exit(RuntimeError("the end of the history"))
            self.sent += ["Abort"] if held else []
        elif held:
            self.simulator.expire(self.lease._moId)  # its Abort was refused
        taken, every = self._ends()
        assert taken == self.sent
        if every:
            self.world.wanted.append(tuple(every))

    @property
    def _target(self) -> Any:
        return self.world.target / "disk-0.vmdk"

    def _download(self) -> Any:
        return self.lease.download(self.disk, self._target, overwrite=True)

    def _answers(self, method: str, answer: str) -> None:
        if answer == "lost" and self.is_held:
            self.simulator.inject("drop", method=method, count=1, after=True)
        elif answer == "refused":
            self.simulator.inject("soap_fault", method=method, count=1)

    def _exit(self, error: BaseException | None) -> BaseException | None:
        """What comes out of the block."""
        try:
            self.lease.__exit__(type(error) if error else None, error, None)
        except BaseException as raised:
            return raised
        return error

    def _over(self) -> None:
        self.is_over, self.has_failed = True, False
        self.simulator.clear()

    def _ends(self) -> tuple[list[str], list[str]]:
        """The calls that end the lease: those that the server has taken, and all that it saw.

        An Abort of a lease that has ended already, of which nobody has told us, is not taken.
        """
        calls = [
            (call["method"].removeprefix("HttpNfcLease"), call["result"])
            for call in self.simulator.calls(moid=self.lease._moId)
        ]
        every = [(name, result) for name, result in calls if name in ("Complete", "Abort")]
        taken = [name for name, result in every if result in ("ok", "drop")]
        return taken, [name for name, _ in every]
