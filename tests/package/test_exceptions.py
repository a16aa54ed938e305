"""The errors as values: their bases, and that they survive a trip to another process."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest
from pyVmomi import vim

import nfclease
from nfclease import exceptions

PUBLIC = [getattr(nfclease, name) for name in nfclease.__all__ if name.endswith("Error")]


@pytest.mark.parametrize("error", PUBLIC)
def test_every_error_is_public_and_pickles(error: type[nfclease.NfcError]) -> None:
    assert issubclass(error, nfclease.NfcError)
    assert getattr(nfclease, error.__name__) is error
    made = error("what failed, where, what to do")
    made.disk_key, made.attempts, made.lease_outcome = "/vm-1/d:0", 3, "aborted"
    copy = pickle.loads(pickle.dumps(made))
    assert type(copy) is error
    assert str(copy) == str(made) == "what failed, where, what to do"
    assert (copy.disk_key, copy.attempts, copy.lease_outcome) == ("/vm-1/d:0", 3, "aborted")


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (nfclease.ConnectError, ConnectionError),
        (nfclease.TlsError, ConnectionError),
        (nfclease.StallError, TimeoutError),
        (nfclease.CallTimeoutError, TimeoutError),
        (nfclease.InsecureUrlError, ValueError),
        (nfclease.PackageError, ValueError),
        (nfclease.UnsafePathError, ValueError),
        (nfclease.ForkError, RuntimeError),
        (nfclease.NotFoundError, LookupError),
        (nfclease.AmbiguousNameError, LookupError),
        (nfclease.AmbiguousLeaseError, ConnectionError),
        (nfclease.BlockedError, vim.fault.TaskInProgress),
    ],
)
def test_builtins_catch_what_they_should(error: type, builtin: type) -> None:
    assert issubclass(error, builtin)


def test_every_error_of_the_module_is_public() -> None:
    assert {*exceptions.__all__} <= {error.__name__ for error in PUBLIC}


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    shown = exceptions.__doc__ or ""
    for error in PUBLIC:
        assert error.__name__ in shown


def test_the_catalogue_has_each_of_them() -> None:
    text = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", text, re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(error.__name__ for error in PUBLIC)
    assert all(meaning and advice for _, meaning, advice in rows)
