"""``nfclease export`` of many VMs: options that do not go together."""

from __future__ import annotations

import pytest

from nfclease.simulator import Simulator

from ..support.command import Command
from ..support.importing import calls_of


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["-o", "a.ova"], "no VM is named"),
        (["vm", "--list", "a", "-o", "{vm}.ova"], "--list and VM do not go together"),
        (["--tag", "a", "--all-in", "b", "-o", "{vm}.ova"], "--all-in and --tag do not go"),
        (["--list", "a", "-o", "-"], "-o - is for one VM"),
        (["--list", "a", "-o", "all.ova"], "all VMs would go to all.ova"),
        (["--list", "a", "-o", "{vm}-{day}.ova"], "-o "),
        (["--list", "a", "-o", "{vm}.ova", "--name", "b"], "--name is for one VM"),
        (["--list", "a", "-o", "{vm}.ova", "--exclude", "b"], "--exclude is for one VM"),
        (["--list", "a", "-o", "{vm}.ova", "--verify-journal"], "--verify-journal goes with"),
        (["--list", "a", "-o", "{vm}.ova", "--format", "raw"], "--format is for a directory"),
        (["vm", "-o", "a.ova", "--journal", "b"], "--journal is for many VMs"),
        (["vm", "-o", "a.ova", "--jobs", "2"], "--jobs is for many VMs"),
        (["vm", "-o", "a.ova", "--retries", "0"], "--retries is for many VMs"),
    ],
)
def test_what_does_not_go_together(
    nfclease: Command, simulator: Simulator, given: list[str], said: str
) -> None:
    done = nfclease("export", *given)
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"nfclease: {said}")
    assert calls_of(simulator, "Login") == 0


@pytest.mark.parametrize("option", ["--jobs=0", "--per-host=-1", "--retries=x"])
def test_a_number_that_is_none(nfclease: Command, option: str) -> None:
    done = nfclease("export", "--list", "a", "-o", "{vm}.ova", option)
    assert done.code == 2
    assert "is not a number of" in done.stderr
