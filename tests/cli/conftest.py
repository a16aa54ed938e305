"""The command, as a govc user of the simulator has it."""

from __future__ import annotations

import pytest

from nfclease.simulator import Simulator

from ..support.command import Command, govc_environment


@pytest.fixture
def nfclease(simulator: Simulator) -> Command:
    """``nfclease("export", "DC0/vm/demo-vm", "-o", target)`` gives code, stdout and stderr."""
    return Command(govc_environment(simulator))
