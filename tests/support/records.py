"""What nfclease has logged."""

from __future__ import annotations

from typing import Any

import pytest


def ours(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """Our own records, with the attributes that we give them."""
    return [record for record in caplog.records if record.name.split(".")[0] == "nfclease"]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Their texts."""
    return [record.getMessage() for record in ours(caplog)]
