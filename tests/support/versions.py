"""What pyvmomi of this environment can do."""

from __future__ import annotations

import inspect
from typing import Any, cast

import pytest
from pyVim import connect
from pyVmomi.VmomiSupport import newestVersions

#: The version that its newest stub speaks.
NEWEST: str = cast(Any, newestVersions).Get("vim")
KNOWN = set(inspect.signature(connect.SmartConnect).parameters)


def needs(*names: str) -> pytest.MarkDecorator:
    """Not run on a pyvmomi whose SmartConnect lacks one of these arguments."""
    missing = [name for name in names if name not in KNOWN]
    return pytest.mark.skipif(bool(missing), reason=f"not run: this pyvmomi has no {missing}")
