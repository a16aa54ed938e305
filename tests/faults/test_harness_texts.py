"""That the harness sees a text that nobody should read, wherever a case has left one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from nfclease import HttpStatusError, LeaseError, NfcError

from .harness import texts
from .harness.runner import Runner
from .harness.trial import broken, run
from .harness.world import World


class RawError(NfcError):
    """An error whose text is as it was given."""

    def __str__(self) -> str:
        return str(self.args[0])


def in_a_record(world: World) -> None:
    broken(world)
    logging.getLogger("nfclease.elsewhere").debug("the host said %s", texts.HOSTILE)


def in_a_long_record(world: World) -> None:
    broken(world)
    logging.getLogger("nfclease.elsewhere").debug("x" * 501)


def in_a_field_of_a_record(world: World) -> None:
    broken(world)
    logging.getLogger("nfclease.elsewhere").info("", extra={"nfclease_file": "a\u202eb"})


def printed(world: World) -> None:
    broken(world)
    world.texts.append("VM a\x1b[2Jb")


def raised(world: World) -> None:
    with world.fails(RawError, ends=()):
        raise RawError("x" * 501)


FOUND: dict[Callable[[World], None], str] = {
    in_a_record: "I8: not printable",
    in_a_long_record: "I8: a message of 501 characters",
    in_a_field_of_a_record: "I8: not printable",
    printed: "I8: not printable",
    raised: "I8: a message of 501 characters",
}


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    made = Runner()
    yield made
    made.close()


@pytest.mark.parametrize("body", FOUND)
def test_it_is_told(runner: Runner, body: Callable[[World], None]) -> None:
    found = run(runner, body).violations
    assert [text for text in found if text.startswith(FOUND[body])], found


def chained(text: str) -> BaseException:
    above = NfcError("the job failed")
    above.__cause__ = RawError(text)
    return above


def with_note(text: str) -> BaseException:
    error = OSError(28, "No space left on device")
    vars(error)["__notes__"] = [text]
    return error


def with_attribute(text: str) -> BaseException:
    error = HttpStatusError("refused")
    error.disk_key = text
    return error


def with_fault(text: str) -> BaseException:
    error = LeaseError("lost")
    error.fault = text
    return error


@pytest.mark.parametrize("text", ["a\u202eb", "a\x1b[2Jb", "a\x85b", "two\nlines", "x" * 501])
@pytest.mark.parametrize("made", [RawError, chained, with_note, with_attribute])
def test_texts_of_an_error(made: Callable[[str], BaseException], text: str) -> None:
    assert texts.of_error(made(text))
    assert texts.of_error(made("one line")) == []


def test_a_servers_fault() -> None:
    assert texts.of_error(with_fault("a\x1b[2Jb"))
    assert texts.of_error(with_fault("(SystemError) {\n   msg = 'oops'\n}")) == []


@pytest.mark.parametrize("text", [texts.HOSTILE, texts.LONG, "x" * 501 + "; try again"])
def test_every_error_shows_one_line(text: str) -> None:
    error = NfcError(text)
    assert texts.of_error(error) == []
    assert str(error).endswith(text.encode("unicode_escape").decode()[-8:])
