"""The catalogue hears the signals of its cases, whatever a shell told its process to ignore."""

from __future__ import annotations

import subprocess
import sys

import pytest

ASKS = "import signal, tests.faults; print(signal.getsignal(signal.SIGINT))"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell ignores it there in no such way")
def test_a_job_in_the_background_hears_an_interrupt() -> None:
    command = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", sys.executable, "-c", ASKS]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "default_int_handler" in said
