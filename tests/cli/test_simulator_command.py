"""``nfclease simulator`` is ``python -m nfclease.simulator``, under the name that people know."""

from __future__ import annotations

import argparse
import json
import signal
import ssl
from http.client import HTTPSConnection
from urllib.parse import urlsplit

import pytest

from nfclease.cli.completion import commands_of
from nfclease.cli.parser import parser
from nfclease.simulator.cli import parser as own_parser

from ..support.command import Command


def options(made: argparse.ArgumentParser) -> dict[str, tuple[object, ...]]:
    return {
        action.option_strings[0]: (action.default, action.type, action.help)
        for action in made._actions
    }


def test_it_has_the_same_options() -> None:
    assert options(commands_of(parser())["simulator"]) == options(own_parser())


@pytest.mark.parametrize("end", ["input", "SIGTERM", "SIGINT"])
def test_it_serves_until_it_is_told(end: str) -> None:
    """One line of JSON, a server behind it, and no traceback at the end."""
    with Command({}).start("simulator", "--disks", "1", "--disk-size", "64k") as process:
        assert process.stdout is not None
        about = json.loads(process.stdout.readline())
        if end == "input":
            place = urlsplit(about["url"])
            trust = ssl.create_default_context(cafile=about["ca_file"])
            asked = HTTPSConnection(place.hostname or "", place.port, context=trust, timeout=30)
            asked.request("GET", "/sdk")
            assert asked.getresponse().status < 500
            asked.close()
        else:
            process.send_signal(getattr(signal, end))
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_wrong_option_is_two() -> None:
    run = Command({})
    for arguments in (["--port", "99999999"], ["--api-version", "old"], ["--disks", "x"]):
        done = run("simulator", *arguments)
        assert (done.code, done.stdout) == (2, ""), done
        assert "Traceback" not in done.stderr
        assert done.stderr.count("\n") <= 3
