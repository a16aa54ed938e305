"""Runs a server until it has printed its first line, prints that, and stops it with Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys


def main() -> int:
    """0 when it ended as after a Ctrl-C."""
    with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        print(process.stdout.readline(), end="")
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    return 0 if process.returncode in (0, 130) else process.returncode


if __name__ == "__main__":
    sys.exit(main())
