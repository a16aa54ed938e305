"""That the harness sees what it is there for: each invariant once violated, and once kept."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nfclease import HttpStatusError, TruncatedError, exceptions

from .catalogue import CATALOGUE
from .harness import invariants, report
from .harness.case import Case, case
from .harness.result import Result
from .harness.runner import Runner
from .harness.trial import broken, run
from .harness.world import World


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    made = Runner()
    yield made
    made.close()


def left_stage(world: World) -> None:
    broken(world)
    (world.target / "package.part-1f2e3d4c").mkdir()


def left_part(world: World) -> None:
    broken(world)
    (world.target / "disk-0.vmdk.part").write_bytes(b"half")


def new_name(world: World) -> None:
    broken(world)
    (world.target / "other.vmdk").write_bytes(b"half")


def old_file_changed(world: World) -> None:
    broken(world)
    (world.target / "disk-0.vmdk").write_bytes(b"another")


def second_abort(world: World) -> None:
    lease = world.vm.ExportVm()
    broken(world)
    lease.Abort()
    lease.Abort()
    world.wanted.append(("Abort",))


def lease_held(world: World) -> None:
    broken(world)
    world.vm.ExportVm()


def completed(world: World) -> None:
    world.job()
    world.wanted[:] = [("Abort",)]


def leaked(world: World) -> None:
    broken(world)
    world.texts.append(f"Login(password={world.simulator.password})")


def leaked_ticket(world: World) -> None:
    broken(world)
    world.requests()
    [ticket] = {text for text, kind in world.secrets.items() if kind == "a ticket"}
    world.texts.append(f"GET /nfc/{ticket}/disk-0.vmdk")


def leaked_in_the_log(world: World) -> None:
    import logging

    broken(world)
    cookie = next(text for text, kind in world.secrets.items() if "cookie" in kind)
    logging.getLogger("somebody").debug("sent %s", cookie)


class Hiding(HttpStatusError):  # noqa: N818 - it is only for what hides in it
    """An error whose pickle has more than it shows."""

    hidden = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return (HttpStatusError, (self.hidden,))


def leaked_in_a_pickle(world: World) -> None:
    world.simulator.inject("status", disk="disk-0", code=410)
    with world.fails(Hiding):
        Hiding.hidden = world.simulator.password
        raise Hiding("refused")


def leaked_in_a_file(world: World) -> None:
    broken(world)
    (world.target / "report.json").write_text(f'{{"password": "{world.simulator.password}"}}')


def leaked_on_a_command_line(world: World) -> None:
    broken(world)
    child = subprocess.Popen(
        ["sh", "-c", "read x", world.simulator.password], stdin=subprocess.PIPE
    )
    world.stack.callback(child.communicate)


def grown(world: World) -> None:
    broken(world)
    _ = bytes(200 << 20).replace(b"\0", b"\1")


def late(world: World) -> None:
    threading.Event().wait(1.2)
    broken(world)


def another_class(world: World) -> None:
    world.simulator.inject("status", disk="disk-0", code=410)
    with world.fails(TruncatedError):
        world.job()


def another_attribute(world: World) -> None:
    world.simulator.inject("status", disk="disk-0", code=410)
    with world.fails(HttpStatusError, status=404):
        world.job()


def another_message(world: World) -> None:
    world.simulator.inject("status", disk="disk-0", code=410)
    with world.fails(HttpStatusError, says="not what it says"):
        world.job()


def nothing_raised(world: World) -> None:
    with world.fails(HttpStatusError, ends=("Complete",)):
        world.job()


def unexpected(world: World) -> None:
    world.simulator.inject("status", disk="disk-0", code=410)
    world.job()


def thread_failed(world: World) -> None:
    def fail() -> None:
        raise LookupError("nothing was cut")

    thread = threading.Thread(target=fail)
    thread.start()
    broken(world)
    thread.join()


def panicked(world: World) -> None:
    broken(world)
    world.texts.append("pyo3_runtime.PanicException: index out of bounds")


def claim(world: World) -> None:
    broken(world)
    world.expect(False, "something that is not so")


VIOLATED = {
    left_part: "I2: disk-0.vmdk.part was left",
    left_stage: "I2: package.part-1f2e3d4c was left",
    new_name: "I1: other.vmdk is not as it was",
    old_file_changed: "I1: disk-0.vmdk is not as it was",
    second_abort: "I3: the leases were ended by",
    lease_held: "I3: 1 leases are still held, not 0",
    completed: "I3: the leases were ended by",
    leaked: "I5: the password is in",
    leaked_ticket: "I5: a ticket is in",
    leaked_in_the_log: "I5: the session's cookie is in",
    leaked_in_a_pickle: "I5: the password is in",
    leaked_in_a_file: "I5: the password is in",
    leaked_on_a_command_line: "I5: the password is in",
    grown: "I6: grew by",
    another_class: "I8: HttpStatusError, not TruncatedError",
    another_attribute: "I8: status of HttpStatusError is 410",
    another_message: "I8: the message lacks",
    nothing_raised: "I8: nothing was raised",
    unexpected: "I8: not expected",
    thread_failed: "I8: a thread ended:",
    panicked: "I9: pyo3_runtime.PanicException",
    claim: "expected: something that is not so",
}


@pytest.mark.parametrize(("body", "said"), VIOLATED.items(), ids=lambda each: str(each)[:20])
def test_a_violation_is_told(runner: Runner, body: Callable[..., None], said: str) -> None:
    result = run(runner, body)
    assert result.status == "failed"
    assert [text for text in result.violations if text.startswith(said)], result.violations


@pytest.mark.parametrize("face", ["blocking", "asyncio", "export_vm", "import_vapp", "fleet"])
def test_what_is_as_it_should_be(runner: Runner, face: str) -> None:
    result = run(runner, broken, face)
    assert (result.status, result.violations) == ("survived", [])
    assert run(runner, lambda world: world.job(), face).status == "survived"


def test_a_late_case(runner: Runner) -> None:
    assert "I7: took" in str(run(runner, late, deadline=1.0).violations)


def test_a_case_that_does_not_end(runner: Runner) -> None:
    def wait(world: World) -> None:
        threading.Event().wait(600)

    result = run(runner, wait, deadline=-9.0)  # of which the harness takes three, and 30 s
    assert "I7: did not end" in result.violations


def test_a_thread_and_a_descriptor_that_are_left(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invariants, "_SETTLES", 1.0)
    ended, opened = threading.Event(), []

    def leave(world: World) -> None:
        broken(world)
        threading.Thread(target=ended.wait).start()
        opened.append((tmp_path / "open").open("wb"))

    found = run(runner, leave).violations
    ended.set()
    opened.pop().close()
    assert "I4: 1 threads were left" in found
    assert f"I4: descriptors were left: {tmp_path}/open" in found


def test_an_import_that_left_a_vm(runner: Runner) -> None:
    def leave(world: World) -> None:
        broken(world)
        world.simulator.add_vm("left-behind", disks=0)

    assert "I1: the VM left-behind was left" in run(runner, leave, "import_vapp").violations


def test_no_clean_transfer_afterwards(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise exceptions.StallError("nothing moves")

    monkeypatch.setattr("tests.faults.harness.runner.clean_transfer", fail)
    assert "I9: a clean transfer afterwards failed" in str(run(runner, broken).violations)


def test_messages_that_nobody_can_read() -> None:
    assert invariants.readable(["fine", "two\nlines"]) == []
    found = invariants.readable(["x" * 501, "a\x1b[2Jb", "a\u202eb"])
    assert [text.split(":")[0] for text in found] == ["I8"] * 3


def test_what_is_not_run_is_not_survived(runner: Runner) -> None:
    result = run(runner, broken, needs=lambda: "no such tool")
    assert (result.status, result.reason) == ("not run", "no such tool")
    told = report.lines([result], {"H99": Case("H99", "a case", "", broken)}, {"N99": "another"})
    assert "survived 0/2, 1 runs" in told
    assert "not run: H99 a case: no such tool" in told
    assert "not run: N99 another: not written yet" in told


def test_one_run_that_failed_decides() -> None:
    results = [Result("H01", face, "") for face in ("blocking", "asyncio", "fleet")]
    assert report.verdicts(results) == {"H01": "survived"}
    results[1].status = "not run"
    assert report.verdicts(results) == {"H01": "not run"}
    results[0].status = "failed"
    assert report.verdicts(results) == {"H01": "failed"}


def test_an_id_that_is_taken() -> None:
    assert "H13" in CATALOGUE
    with pytest.raises(ValueError, match="H13"):
        case("H13", "again", "nothing")
    with pytest.raises(ValueError, match="X01"):
        case("X01", "of no group", "nothing")
