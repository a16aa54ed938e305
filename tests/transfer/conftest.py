"""An import of all that the demo VM has."""

from __future__ import annotations

from typing import Any

import pytest

from nfclease import TransferResult
from nfclease.simulator import Simulator

from ..support.imports import import_spec, import_vm
from ..support.inventory import unique


@pytest.fixture
def spec(service: Any, demo_vm: Any, exported: list[TransferResult]) -> Any:
    """Of an import of the demo VM, whose exported files lie in `tmp_path`."""
    return import_spec(service, demo_vm, unique("imported"), exported)


@pytest.fixture
def raw(simulator: Simulator, demo_vm: Any, spec: Any) -> Any:
    """Pyvmomi's lease of that import; the simulator has forgotten the export."""
    lease = import_vm(demo_vm, spec)
    simulator.reset()
    return lease
