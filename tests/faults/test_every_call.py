"""A thin slice of the sweeps that fail each call of a job; `make faults` has all of them."""

from __future__ import annotations

import errno

import pytest

from .every_call.calls import Fault, needs_failing_calls
from .every_call.clones import CLONES, needs_failing_clones
from .every_call.sweep import swept

pytestmark = [
    pytest.mark.skipif(bool(needs_failing_calls()), reason=f"not run: {needs_failing_calls()}"),
    pytest.mark.timeout(300),
]

OPEN, READ, WRITE = (
    Fault("open", errno.EMFILE),
    Fault("read", errno.EIO),
    Fault("write", errno.EIO),
)
SYNC, INTERRUPTED = Fault("sync", errno.EIO), Fault("write", errno.EINTR)
DROPPED, REFUSED = Fault("call", 0, "drop"), Fault("call", 0, "soap_fault")
REACHED = {
    "download": (WRITE, SYNC, Fault("connect", errno.ECONNREFUSED), DROPPED),
    "import": (READ, DROPPED),
    "export OVA": (OPEN, INTERRUPTED, REFUSED),
    "import OVA": (READ, Fault("send", errno.EPIPE)),
    "stream to qcow2": (READ, WRITE),
    "raw to stream": (INTERRUPTED, SYNC),
}


@pytest.mark.parametrize("job", REACHED)
def test_a_call_that_fails_is_survived_or_told(job: str) -> None:
    lines, violations = swept(job, "blocking", REACHED[job], only=[1, 2])
    assert violations == []
    assert [line.partition("k: ")[2][:6] for line in lines] == ["2 of 2"] * len(REACHED[job])


def test_a_fault_that_no_call_got_is_told() -> None:
    lines, violations = swept("raw to stream", "blocking", [WRITE], only=[10_000])
    assert violations == ["write EIO: calls [10000] got no fault"]
    assert "k: 0 of 1" in lines[0]


@pytest.mark.skipif(bool(needs_failing_clones()), reason=f"not run: {needs_failing_clones()}")
def test_a_thread_that_does_not_start_is_survived_or_told() -> None:
    lines, violations = swept("raw to stream", "asyncio", CLONES[:1], only=[1, 2])
    assert violations == []
    assert "k: 2 of 2" in lines[0]
