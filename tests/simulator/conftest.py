"""Of its VM by paths alone: a view would be among the calls that tests count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .support.calls import by_path, ready


@pytest.fixture
def demo_vm(service: Any) -> Any:
    return by_path(service, "vm/demo-vm")


@pytest.fixture
def lease(demo_vm: Any) -> Iterator[Any]:
    held = ready(demo_vm.ExportVm())
    yield held
    if held.state == "ready":
        held.Abort()
