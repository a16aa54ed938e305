"""What the blocks of a case find: one that has to fail, one that may, and what goes on beside."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from nfclease import NfcError, PackageError

from ..support.waiting import meanwhile
from .harness import trial
from .harness.runner import Runner
from .harness.world import World

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="not run: what a process holds is read from /proc"
)


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    made = Runner()
    yield made
    made.close()


def _nothing_refused(world: World) -> None:
    with world.refuses(NfcError):
        pass


def _another_refused(world: World) -> None:
    with world.refuses(PackageError):
        raise ZeroDivisionError


def _not_readable(world: World) -> None:
    with world.reading(NfcError):
        error = NfcError("its text is made safe, what is kept beside it is not")
        error.where = "\x1b[31m"  # type: ignore[attr-defined]
        raise error


def _secret(world: World) -> None:
    with world.refuses(NfcError):
        raise NfcError(f"the password is {world.simulator.password}")


def _fails_beside(world: World) -> None:
    with meanwhile(lambda: True, lambda: 1 / 0):
        world.job()


FOUND: dict[str, tuple[Callable[[World], None], str]] = {
    "nothing is refused": (_nothing_refused, "nothing was raised, not one of"),
    "it is refused by another error": (_another_refused, "ZeroDivisionError"),
    "what may fail cannot be read": (_not_readable, "I8: not printable"),
    "a secret is in what was refused": (_secret, "I5: the password"),
    "what goes on beside fails": (_fails_beside, "ZeroDivisionError"),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_violation_is_found(runner: Runner, name: str) -> None:
    body, said = FOUND[name]
    result = trial.run(runner, body)
    assert result.status == "failed"
    assert any(said in violation for violation in result.violations), result.violations


def test_an_error_of_a_kind_is_what_was_expected(runner: Runner) -> None:
    def body(world: World) -> None:
        with world.refuses(NfcError):
            raise PackageError("the package has no descriptor")
        with world.reading(NfcError):
            raise PackageError("the package has no descriptor")

    assert trial.run(runner, body).violations == []
