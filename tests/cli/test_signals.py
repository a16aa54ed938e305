"""A signal that Python hears of, and that wakes no read."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

#: Another thread takes the signal, as it may when several come at once: the read goes on.
NOT_WOKEN = """
import os, signal, threading
from nfclease.cli import signals

number = signal.Signals({number})
silent, _ = os.pipe()
with signals.raised(to_the_end=False):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    try:
        print("ready", flush=True)
        os.read(silent, 1)
    except signals.Interrupted as interrupted:
        print(interrupted.number)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_that_another_thread_took(number: signal.Signals) -> None:
    script = NOT_WOKEN.format(number=int(number))
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.communicate(timeout=60)[0] == f"{int(number)}\n"
