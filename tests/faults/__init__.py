"""What servers, systems and callers do wrong, and the error that says so."""

from __future__ import annotations

from ..support.signals import hear

# What the cases send. Not SIGHUP: under nohup a catalogue goes on when its terminal is gone.
hear("SIGINT", "SIGTERM")
