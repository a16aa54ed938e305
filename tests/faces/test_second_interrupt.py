"""A second Ctrl-C, while the first one waits for an Abort that has no answer, waits no longer."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from typing import Any

import pytest

from nfclease import AsyncHttpNfcLease
from nfclease.simulator import Simulator

from ..support.waiting import wait_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="not run: no SIGINT for a thread")
ABORT = "HttpNfcLeaseAbort"


def test_asyncio_run_comes_out_before_abort_has_its_answer(
    simulator: Simulator, demo_vm: Any
) -> None:
    simulator.inject("soap_delay", method=ABORT, seconds=None)
    main = threading.main_thread().ident or 0
    ready = threading.Event()

    def press() -> None:
        ready.wait(20)
        signal.pthread_kill(main, signal.SIGINT)
        wait_for(lambda: simulator.calls(ABORT))
        signal.pthread_kill(main, signal.SIGINT)

    def tick() -> None:
        asyncio.get_running_loop().call_later(0.05, tick)

    async def hold() -> None:
        tick()  # CPython sees a signal that came just before the loop waits when that wakes
        async with AsyncHttpNfcLease(demo_vm.ExportVm()) as lease:
            await lease.wait_ready(20)
            ready.set()
            await asyncio.sleep(60)

    thread = threading.Thread(target=press)
    thread.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(hold())
    seconds = time.monotonic() - began
    thread.join()
    # Abort is still under way, and would be waited for ten seconds.
    assert simulator.calls(ABORT)[0]["result"] is None
    assert seconds < 9
    simulator.clear()
    wait_for(lambda: simulator.calls(ABORT)[0]["result"] == "ok")
